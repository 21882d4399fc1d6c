"""A dialogue as a journal, as if it had been lived, and what its learner costs."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from lamp.evaluation.prequential import Course
from lamp.evaluation.resident import live
from lamp.journal import NAME, Event, Journal, read
from lamp.mind import Forecast
from lamp.tags import NOTHING, Tag


class _Nobody:
    """Foresees nothing, so that every label comes from the switch."""

    def forecast(self, text: str) -> Forecast:
        """Nothing."""
        return Forecast(NOTHING, 1.0)

    def learn(self, number: int, text: str, tag: Tag) -> None:
        """The journal holds it."""


def journal_of(given: Course, folder: Path) -> int:
    """Write the dialogue's events as a lamp would have; where the journal ends."""
    journal = Journal(folder)
    events: list[Event] = []
    list(live(_Nobody(), given.lines, events.append))
    journal.append(*events)
    journal.close()
    return journal.end


def lived(given: Course, folder: Path) -> dict[str, Any]:
    """Time and memory of the learner's process, which leaves its table in the folder."""
    from lamp.evaluation.costs import resident_bytes

    end = journal_of(given, folder)
    starts = [0, *(place for _, place in read(folder / NAME))]
    kinds = [event["kind"] for event, _ in read(folder / NAME)]
    last = max(starts[at] for at, kind in enumerate(kinds) if kind == "labelled")
    process = subprocess.Popen(
        [sys.executable, "-m", "lamp.learner_process", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).resolve().parents[2],
    )
    assert process.stdin is not None
    assert process.stdout is not None
    seconds = []
    with process:
        for told in (last, end):  # the last label by itself, after all others
            begun = time.perf_counter()
            process.stdin.write(f"{told}\n")
            process.stdin.flush()
            process.stdout.readline()
            seconds.append(time.perf_counter() - begun)
        memory = resident_bytes(str(process.pid))
        process.stdin.close()
    return {
        "replay_seconds": seconds[0],
        "table_seconds": seconds[1],
        "learner_bytes": memory,
        "journal_bytes": (folder / NAME).stat().st_size,
    }

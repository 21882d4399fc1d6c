"""A run of a command as a tracker follows it: every number of its metric so far, and how it ended.

The curve is what the metric finds in the output, or in its file, one number after the other; the
last (or the least, where that was asked for) is the one that decides.
"""

import contextlib
import dataclasses
import json
import time
from pathlib import Path
from typing import Any

from partbench.exchange.trackers import Run as Tracked
from partbench.study.outside import metric
from partbench.study.outside.command import filled
from partbench.study.outside.metric import Metric
from partbench.study.outside.question import Question
from partbench.study.outside.runs import CAPTURED, OUT, OUTPUT, RECORD, Run

Row = dict[str, Any]
COARSE_SECONDS = 0.1
"""A file system's clock may be behind by a tick of the kernel."""


def told(run: Run, question: Question, arm: str, folder: Path) -> Tracked:
    """What a tracker hears of a run that is about to start in `folder`."""
    out = folder / OUT
    config = {"command": " ".join(run.command.at(run.seed, out))}
    reading = {
        "metric": dataclasses.asdict(question.metric),
        "file": filled(run.file, run.seed, out) if run.file else "",
        "since": time.time() - COARSE_SECONDS,
    }
    return Tracked(run.id, question.name, arm, run.seed, str(folder.absolute()), config, reading)


class CommandFiles:
    """The folder of a run of a command (`exchange.trackers.follow.Reader`).

    What an earlier attempt left there is older than `since` and is not read.
    """

    def __init__(self, run: Tracked) -> None:
        self.folder = Path(run.folder)
        self.metric = Metric(**run.reading["metric"])
        self.file = Path(run.reading["file"]) if run.reading["file"] else None
        self.since = float(run.reading["since"])
        self.read: tuple[int, bool] | None = None
        self.over = False
        self.known = 0

    def rows(self) -> list[Row]:
        """The numbers that came since the last call; nothing is read while the file is as it was.

        While the run is under way its last line may be half a number, and waits for its end.
        """
        path = self.file or self.folder / OUTPUT
        with contextlib.suppress(OSError):
            state = (path.stat().st_size, self.over)
            if path.stat().st_mtime >= self.since and state != self.read:
                self.read = state
                text = path.read_text(encoding="utf-8-sig", errors="replace")
                return self._new(text if self.over else text.rpartition("\n")[0])
        return []

    def record(self) -> Row | None:
        """Status and seconds, and the number that decides."""
        try:
            path = self.folder / RECORD
            if path.stat().st_mtime < self.since:
                return None
            record = json.loads(path.read_bytes())
        except (OSError, ValueError):
            return None
        self.over = True
        found = metric.read(self.metric, self._text(OUTPUT) or "", self._text(CAPTURED))
        return {"status": record["status"], "seconds": record["seconds"], "score": found.value}

    def _new(self, text: str) -> list[Row]:
        found = metric.series(self.metric, text)
        fresh, begun = found[self.known :], self.known
        self.known = max(self.known, len(found))
        return [
            {"step": place, self.metric.name: value}
            for place, value in enumerate(fresh, start=begun + 1)
        ]

    def _text(self, name: str) -> str | None:
        with contextlib.suppress(OSError):
            return (self.folder / name).read_text(encoding="utf-8-sig", errors="replace")
        return None

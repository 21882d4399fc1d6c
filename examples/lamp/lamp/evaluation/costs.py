"""What a prediction costs in a fresh process that holds the lamp's side alone: time and memory.

Memory is the process's resident set as the system counts it, after the table has been read and
used: the interpreter, the lamp, its page's server and the table.
"""

import json
import time
from pathlib import Path

from lamp.journal import NAME, read
from lamp.mind import TABLE, Mind
from partbench.core.errors import DataError

ROUNDS = 2000


def costs(folder: Path) -> dict[str, float]:
    """Seconds a prediction (median, 99th of a hundred, longest), bytes resident, marks known."""
    import lamp.run  # noqa: F401 - what the lamp holds while it runs

    mind = Mind.read(folder / TABLE)
    texts = [event["text"] for event, _ in read(folder / NAME) if event["kind"] == "heard"]
    if mind is None or not texts:
        raise DataError(f"{folder}: no lamp has learnt here; run `python -m lamp run` first")
    seconds = []
    for place in range(ROUNDS):
        begun = time.perf_counter()
        mind.forecast(texts[place % len(texts)])
        seconds.append(time.perf_counter() - begun)
    seconds.sort()
    return {
        "median_seconds": seconds[ROUNDS // 2],
        "p99_seconds": seconds[ROUNDS * 99 // 100],
        "longest_seconds": seconds[-1],
        "resident_bytes": resident_bytes(),
        "marks": len(mind.rows),
    }


def resident_bytes(process: str = "self") -> int:
    """The resident set of a process; 0 where the system does not say."""
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    except OSError:
        return 0
    return next(
        (1024 * int(row.split()[1]) for row in status.splitlines() if row.startswith("VmRSS")), 0
    )


def main(folder: Path) -> None:
    """Print them as JSON."""
    print(json.dumps(costs(folder)))

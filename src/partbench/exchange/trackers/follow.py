"""The process beside a study that hands its metrics to a tracker: runs in, line by line; no answer.

Each line on standard input is a run (JSON, the fields of `Run`). Its curve is read as it grows (a
cell's metrics.jsonl); its record ends it. When the input ends, what is written is handed on and all
runs are ended.
"""

import json
import math
import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from partbench.core import cell as names
from partbench.exchange.trackers import Run, Tracker

POLL_SECONDS = 1.0
SUMMARY = ("score", "seconds_wall", "steps", "tokens")
Row = dict[str, Any]


class Reader(Protocol):
    """What a run's folder says, read as it grows."""

    def rows(self) -> list[Row]:
        """What is new since the last call: `step`, and numbers by name."""

    def record(self) -> Row | None:
        """`status` and the last numbers of a run that is over; None while it is under way."""


class CellFiles:
    """The folder of a cell: metrics.jsonl and record.json."""

    def __init__(self, run: Run) -> None:
        self.folder = Path(run.folder)
        self.offset = 0
        self.inode = 0

    def rows(self) -> list[Row]:
        """Whole lines that were written since."""
        try:
            with (self.folder / names.METRICS).open("rb") as file:
                s = os.fstat(file.fileno())
                if s.st_size < self.offset or s.st_ino != self.inode:
                    self.offset, self.inode = 0, s.st_ino
                file.seek(self.offset)
                whole, newline, _ = file.read().rpartition(b"\n")
        except FileNotFoundError:
            return []
        self.offset += len(whole) + len(newline)
        rows = []
        for line in whole.splitlines():
            try:
                row = json.loads(line)
            except ValueError:
                continue
            if isinstance(row, dict) and "step" in row:
                rows.append(row)
        return rows

    def record(self) -> Row | None:
        """The cell's record, of its numbers those that sum it up."""
        try:
            record = json.loads((self.folder / names.RECORD).read_bytes())
        except (OSError, ValueError):
            return None
        return {key: record.get(key) for key in ("status", *SUMMARY)}


@dataclass
class Followed:
    """A run, what reads it, and its tracker once it has begun."""

    run: Run
    reader: Reader
    tracker: Tracker | None = None
    step: int = -1

    def look(self, begin: Callable[[Run], Tracker], last: bool) -> bool:
        """Hand on what is new; whether the run is over."""
        record = self.reader.record()  # before the rows, which are written before it
        rows = self.reader.rows()
        if self.tracker is None and (rows or record):
            self.tracker = begin(self.run)
        if self.tracker is None:
            return last
        for row in rows:
            step = int(row.pop("step"))
            values = {k: float(v) for k, v in row.items() if _finite(v)}
            if step > self.step and values:  # a run taken up again writes its file anew
                self.step = step
                self.tracker.log(step, values)
        if record is None and not last:
            return False
        summary = {key: float(value) for key, value in (record or {}).items() if _finite(value)}
        self.tracker.end(str((record or {}).get("status", "stopped")), summary)
        return True


def follow(
    lines: Iterable[str],
    begin: Callable[[Run], Tracker],
    reader: Callable[[Run], Reader] = CellFiles,
) -> None:
    """Follow every run of `lines` until they end, each in the tracker that `begin` gives."""
    waiting: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def listen() -> None:
        for line in lines:
            waiting.put(line)
        waiting.put(None)

    threading.Thread(target=listen, daemon=True).start()
    runs: dict[str, Followed] = {}
    ended = False
    while not ended or runs:
        while not waiting.empty():
            line = waiting.get()
            if line is None:
                ended = True
            elif line.strip():
                run = Run(**json.loads(line))
                runs.setdefault(run.id, Followed(run, reader(run)))
        runs = {id: run for id, run in runs.items() if not run.look(begin, ended)}
        if not ended:
            time.sleep(POLL_SECONDS)


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def main(name: str, folder: Path, reader: Callable[[Run], Reader] = CellFiles) -> None:
    """Follow standard input with the tracker called so."""
    from partbench.exchange.trackers import tracker

    kind = tracker(name)
    follow(sys.stdin, lambda run: kind(run, folder), reader)

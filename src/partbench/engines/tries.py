"""What engines share: which folders wait, which have cost a worker, and what a worker is."""

import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

from partbench.core.cell import RECORD
from partbench.engines import Event

SHARED_SECONDS = 60.0
"""How long a record may take from the disk of one machine to the eyes of another (NFS caches)."""


class Tries:
    """The folders of a run in order; one whose worker died is tried once more."""

    def __init__(self) -> None:
        self.deaths: dict[Path, int] = {}
        self.waiting: deque[Path] = deque()

    def add(self, folders: Iterable[Path]) -> None:
        """More folders to run."""
        self.waiting.extend(folders)

    def died(self, folder: Path, code: int | str, tell: Callable[[Event], None]) -> None:
        """A worker ended at this folder without a record: again, or given up and told."""
        self.deaths[folder] = self.deaths.get(folder, 0) + 1
        if self.deaths[folder] < 2:
            self.waiting.appendleft(folder)
        else:
            tell({"event": "done", "folder": str(folder), "status": "dead", "code": code})


def worker_command() -> list[str]:
    """The command of a long-lived worker: folders in, events out, one a line."""
    # -P: a file of the user's called random.py must not stand in for Python's own.
    return [sys.executable, "-P", "-m", "partbench", "worker"]


def environment(threads: int) -> dict[str, str]:
    """The environment of a worker that computes with `threads`: waiting threads must not spin."""
    return {
        **os.environ,
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "OMP_WAIT_POLICY": "PASSIVE",
    }


def arrived(folder: Path) -> bool:
    """Wait until the record that another machine wrote is seen here; False if it never is."""
    limit = time.monotonic() + SHARED_SECONDS
    while not (folder / RECORD).exists():
        if time.monotonic() > limit:
            return False
        time.sleep(0.1)
    return True

"""A thread that kills workers at random while a study runs, each at a cell it has not yet cost."""

import json
import os
import random
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path

from partbench.core.cell import LOCK


def workers(home: Path) -> dict[int, Path]:
    """Process id -> cell's folder, for every worker that holds the lease of a cell of `home`."""
    found = {}
    for lease in home.rglob(f"{LOCK}.*"):
        try:
            process = json.loads(lease.read_text())["pid"]
            if b"partbench\0worker" in Path(f"/proc/{process}/cmdline").read_bytes():
                found[process] = lease.parent
        except (OSError, ValueError):  # it has just ended, or just begun
            continue
    return found


class Killer(threading.Thread):
    """Kills `times` workers with SIGKILL; `killed` are the folders they were at."""

    def __init__(self, home: Path, times: int, seed: int = 0) -> None:
        super().__init__(daemon=True)
        self.home = home
        self.times = times
        self.drawn = random.Random(seed)
        self.killed: list[Path] = []
        self.over = threading.Event()

    def __enter__(self) -> "Killer":
        self.start()
        return self

    def __exit__(self, *reason: object) -> None:
        self.over.set()
        self.join()

    def run(self) -> None:
        """Wait a little, kill, until enough are dead or the study has ended."""
        while len(self.killed) < self.times and not self.over.is_set():
            time.sleep(self.drawn.uniform(0.02, 0.1))
            for process, folder in workers(self.home).items():
                if folder not in self.killed and self._kill(process):
                    time.sleep(self.drawn.uniform(0.0, 1.0))
                    break

    def _kill(self, process: int) -> bool:
        """Stopped first, so that the cell it is at is the one that is noted."""
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGSTOP)
            folder = workers(self.home).get(process)
            if folder is not None and folder not in self.killed:
                self.killed.append(folder)
                os.kill(process, signal.SIGKILL)
                return True
            os.kill(process, signal.SIGCONT)
        return False

"""A thread that kills workers at random while a study runs, each at a cell it has not yet cost."""

import os
import random
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path

from partbench.core.cell import LOCK


def cell_of(process: Path, home: Path) -> Path | None:
    """The folder in `home` whose lock a worker's process in /proc holds open."""
    try:
        if b"partbench\0worker" not in (process / "cmdline").read_bytes():
            return None
        held = [Path(os.readlink(link)) for link in (process / "fd").iterdir()]
    except OSError:  # it has just ended
        return None
    return next((p.parent for p in held if p.name == LOCK and home in p.parents), None)


def workers(home: Path) -> dict[int, Path]:
    """Process id -> cell's folder, for every worker that is at a cell of `home`."""
    found = {int(p.name): cell_of(p, home) for p in Path("/proc").glob("[0-9]*")}
    return {process: folder for process, folder in found.items() if folder is not None}


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
            folder = cell_of(Path("/proc") / str(process), self.home)
            if folder is not None and folder not in self.killed:
                self.killed.append(folder)
                os.kill(process, signal.SIGKILL)
                return True
            os.kill(process, signal.SIGCONT)
        return False

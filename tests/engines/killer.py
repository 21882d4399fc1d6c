"""A thread that kills workers at random while a study runs, each at a cell it has not yet cost."""

import os
import random
import signal
import threading
import time
from pathlib import Path

from partbench.core.cell import LOCK


def workers(home: Path) -> dict[int, Path]:
    """Process id -> cell's folder, for every worker below this user that is at a cell of `home`."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if b"partbench\0worker" not in (process / "cmdline").read_bytes():
                continue
            held = [os.readlink(link) for link in (process / "fd").iterdir()]
        except OSError:  # it has just ended
            continue
        for path in map(Path, held):
            if path.name == LOCK and home in path.parents:
                found[int(process.name)] = path.parent
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
                if folder not in self.killed and (folder / LOCK).exists():
                    os.kill(process, signal.SIGKILL)
                    self.killed.append(folder)
                    time.sleep(self.drawn.uniform(0.0, 1.0))
                    break

"""The lamp as its user starts it, with its output line by line; killed without warning."""

import atexit
import os
import queue
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path


class Running:
    """`python -m lamp run` on a folder; words through its standard input."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "lamp", "run", "--store", str(folder), *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        atexit.register(self._end)  # a test that fails leaves no lamp burning
        self.output: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _end(self) -> None:
        """End it and its learner, whatever became of them."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output.put(line.rstrip("\n"))
        self.output.put(None)

    def say(self, line: str) -> None:
        """A line of transcript or an order."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def hears(self, start: str, seconds: float = 150.0) -> str:
        """The next line of output that begins so; AssertionError where it ends before."""
        while True:
            line = self.output.get(timeout=seconds)
            assert line is not None, "the lamp ended"
            if line.startswith(start):
                return line

    def kill(self) -> None:
        """As a power cut does."""
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def finish(self) -> None:
        """Let it end by itself, and close its pipes."""
        if self.process.poll() is None:
            assert self.process.stdin is not None
            self.process.stdin.close()
            self.process.wait(timeout=150)
        assert self.process.stdout is not None


def children(process: int) -> list[int]:
    """The processes that any of its threads started, where the system tells."""
    lists = Path(f"/proc/{process}/task").glob("*/children")
    return [int(word) for found in lists for word in found.read_text().split()]

"""The lamp's side of the learner: starts it, tells it what is new, takes its tables over.

The lamp never waits for it longer than it wants to, and goes on without it if it dies: it is
started again at the next line, and learns everything anew from the journal.
"""

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from lamp.mind import TABLE, Mind

TRIES = 3
"""Deaths in a row after which it is left dead."""


class Apprentice:
    """`mind` is the newest table; `wait` until it knows all that was told."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self.folder, self.say = folder, say
        self.mind = Mind.read(folder / TABLE) or Mind.empty()
        self._told = self._known = 0
        self._dead = self._closed = False
        self._process: subprocess.Popen[str] | None = None
        self._change = threading.Condition()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def tell(self, place: int) -> None:
        """The journal is whole up to here."""
        with self._change:
            self._told = place
            self._change.notify_all()

    def wait(self, seconds: float | None) -> bool:
        """Until it knows what it was told, at most so long; whether it does."""
        with self._change:
            return self._change.wait_for(
                lambda: self._known >= self._told or self._dead, seconds
            ) and (not self._dead)

    def close(self) -> None:
        """End the process."""
        with self._change:
            self._closed = True
            self._change.notify_all()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        deaths = 0
        while True:
            with self._change:
                self._change.wait_for(lambda: self._closed or self._told > self._known)
                if self._closed:
                    break
                told = self._told
            answer = self._ask(told)
            if answer is None:
                deaths += 1
                if deaths == TRIES:
                    self.say("learner: died three times; the lamp goes on with what it knew")
                    with self._change:
                        self._dead = True
                        self._change.notify_all()
                    break
                continue
            deaths = 0
            mind = Mind.read(self.folder / TABLE)
            with self._change:
                self.mind = mind or self.mind
                self._known = answer
                self._change.notify_all()
        self._stop()

    def _ask(self, told: int) -> int | None:
        """One round; None where the process is dead, which is then let go."""
        if self._process is None:
            self._process = self._start()
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(f"{told}\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except OSError:
            line = ""
        if line.strip().isdigit():
            return int(line)
        self._stop()
        return None

    def _start(self) -> "subprocess.Popen[str]":
        places = [str(Path(__file__).resolve().parents[1]), os.environ.get("PYTHONPATH", "")]
        quiet = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
        return subprocess.Popen(
            [sys.executable, "-m", "lamp.learner_process", str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | quiet | {"PYTHONPATH": os.pathsep.join(filter(None, places))},
            start_new_session=True,  # Ctrl-C is for the lamp, which then ends it
        )

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                assert pipe is not None
                pipe.close()
        try:
            process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

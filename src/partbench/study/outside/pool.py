"""Commands as processes, several at once: started, waited for, stopped, and written down.

Each runs in a session of its own with its output in a file. When partbench is asked to stop, every
session gets SIGTERM, and SIGKILL after a while. When partbench itself is killed, Linux sends
SIGTERM to the children; elsewhere they run on, and hold their run until they end.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from partbench.core.errors import ConfigError
from partbench.study.outside import runs as names
from partbench.study.outside.command import filled
from partbench.study.outside.numbers import last_line
from partbench.study.outside.runs import Run, Runs

GRACE_SECONDS = 10.0
WAIT_SECONDS = 0.02
LOOK_AGAIN_SECONDS = 1.0
PR_SET_PDEATHSIG = 1  # linux/prctl.h


@dataclass
class Child:
    """A process at work on a run."""

    run: Run
    process: "subprocess.Popen[bytes]"
    lock: IO[str]
    began: float
    file: Path | None
    stamp: tuple[int, ...] | None


class Pool:
    """At most `at_once` commands side by side; their records go to `runs`."""

    def __init__(self, runs: Runs, at_once: int) -> None:
        self.runs = runs
        self.at_once = at_once
        self.children: list[Child] = []

    def run(
        self,
        wanted: Iterable[Run],
        starting: Callable[[Run], None],
        done: Callable[[Run], None],
        until: Callable[[], bool] = lambda: False,
    ) -> bool:
        """Run all that are `wanted`, in order; False where `until` stopped it before the end.

        `starting` and `done` may raise: then everything under way is stopped too.
        """
        waiting = deque(wanted)
        again = 0.0
        try:
            while waiting or self.children:
                if until():
                    return False
                busy = len(self.children)
                while waiting and len(self.children) < self.at_once and time.monotonic() > again:
                    run = waiting.popleft()
                    if self.runs.finished(run) is not None:  # by another study, meanwhile
                        done(run)
                    elif (lock := self.runs.claim(run)) is None:
                        waiting.append(run)  # another study is at it
                        again = time.monotonic() + LOOK_AGAIN_SECONDS
                    else:
                        try:
                            starting(run)
                            self._start(run, lock)
                        except BaseException:
                            lock.close()
                            raise
                for child in list(self.children):
                    if child.process.poll() is not None:
                        self.children.remove(child)
                        self._end(child)
                        done(child.run)
                if busy == len(self.children):
                    time.sleep(WAIT_SECONDS)
        finally:
            self.close()
        return True

    def close(self) -> None:
        """Stop and reap every child."""
        for child in self.children:
            _signal(child, signal.SIGTERM)
        limit = time.monotonic() + GRACE_SECONDS
        for child in self.children:
            try:
                child.process.wait(max(0.1, limit - time.monotonic()))
            except subprocess.TimeoutExpired:
                pass
            # What a command started may outlive it: the whole session goes.
            _signal(child, signal.SIGKILL)
            child.process.wait()
            child.lock.close()
        self.children = []

    def _start(self, run: Run, lock: IO[str]) -> None:
        folder = self.runs.prepare(run)
        out = folder / names.OUT
        file = Path(filled(run.file, run.seed, out)) if run.file else None
        words = run.command.at(run.seed, out)
        with (folder / names.OUTPUT).open("wb") as output:
            try:
                process = subprocess.Popen(
                    words,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, **run.command.environment(run.seed, out)},
                    pass_fds=[lock.fileno()],
                    # Ctrl-C reaches partbench alone, which then asks the commands to stop.
                    start_new_session=True,
                    preexec_fn=_die_with_parent(),
                )
            except OSError as error:
                raise ConfigError(
                    f"{' '.join(words)}: cannot be started: {error.strerror or error}"
                ) from None
        began = time.monotonic()
        self.children.append(Child(run, process, lock, began, file, _stamp(file)))

    def _end(self, child: Child) -> None:
        seconds = time.monotonic() - child.began
        folder = self.runs.folder(child.run)
        if child.file is not None and _stamp(child.file) not in (None, child.stamp):
            # A file that is as it was before the run was written by another one.
            shutil.copyfile(child.file, folder / names.CAPTURED)
        record: dict[str, Any] = {"status": "ended", "reason": ""}
        code = child.process.returncode
        if code:
            said = last_line(self.runs.output(child.run)) or "it printed nothing"
            how = f"signal {-code}" if code < 0 else f"exit code {code}"
            record = {"status": "failed", "reason": f"{how}: {said}"}
        self.runs.write(
            child.run,
            record | {"exit": code, "seconds": seconds, "at_once": self.at_once},
        )
        child.lock.close()


def _stamp(file: Path | None) -> tuple[int, ...] | None:
    """What changes when a file is written; None where there is none."""
    if file is None or not file.is_file():
        return None
    facts = file.stat()
    return facts.st_mtime_ns, facts.st_size, facts.st_ino


def _signal(child: Child, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.process.pid, number)


def _die_with_parent() -> Callable[[], None] | None:
    """Linux: SIGTERM to the command should partbench be killed. Loaded before the fork."""
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)

    def ask() -> None:
        library.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)

    return ask

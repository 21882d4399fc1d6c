"""Cells on this machine: long-lived workers, one a slot, each pinned to its own cores.

A worker is `python -m partbench worker`: it reads folders from standard input, one a line, and
writes JSON events to standard output, one a line. A worker that dies is replaced, and its cell is
tried once more.
"""

import json
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from partbench.engines import Event
from partbench.engines.tries import Tries, environment, worker_command

GRACE_SECONDS = 20.0


@dataclass
class Worker:
    """One process and what it is doing."""

    process: "subprocess.Popen[bytes]"
    slot: int
    busy: Path | None = None


class Local:
    """`slots` workers of `threads` threads each; their messages go to `log`.

    `run` may be called again and again; `close` (or leaving the `with` block) ends the workers.
    """

    def __init__(self, slots: int, threads: int, log: Path) -> None:
        self.slots = slots
        self.threads = threads
        self.log = log
        self.workers: list[Worker] = []
        self.selector = selectors.DefaultSelector()
        self.tries = Tries()

    def __enter__(self) -> "Local":
        return self

    def __exit__(self, *reason: object) -> None:
        self.close()

    def run(
        self,
        folders: Iterable[Path],
        tell: Callable[[Event], None],
        until: Callable[[], bool] = lambda: False,
    ) -> None:
        """Run every folder's cell; `tell` hears each event. Stops early where `until` says so."""
        self.tries.add(folders)
        while self.tries.waiting or any(worker.busy for worker in self.workers):
            if until():
                self.close()
                return
            self._feed()
            for key, _ in self.selector.select(timeout=0.2):
                worker: Worker = key.data
                line = worker.process.stdout.readline() if worker.process.stdout else b""
                if not line:
                    self._bury(worker, tell)
                    continue
                event = json.loads(line)
                if event["event"] == "done":
                    worker.busy = None
                    self._feed()
                tell(event)

    def close(self) -> None:
        """End all workers; each saves a checkpoint first."""
        self.tries.waiting.clear()
        for worker in self.workers:
            if worker.busy is None and worker.process.stdin:
                worker.process.stdin.close()
            else:
                worker.process.send_signal(signal.SIGTERM)
        limit = time.monotonic() + GRACE_SECONDS
        for worker in self.workers:
            try:
                worker.process.wait(max(0.1, limit - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()
            self._forget(worker)
        self.workers = []

    def _feed(self) -> None:
        waiting = self.tries.waiting
        while len(self.workers) < self.slots and len(self.workers) < len(waiting) + sum(
            1 for worker in self.workers if worker.busy
        ):
            used = {worker.slot for worker in self.workers}
            self.workers.append(self._start(min(set(range(self.slots)) - used)))
        for worker in self.workers:
            if worker.busy is None and waiting and worker.process.poll() is None:
                worker.busy = waiting.popleft()
                assert worker.process.stdin is not None
                try:
                    worker.process.stdin.write(f"{worker.busy}\n".encode())
                    worker.process.stdin.flush()
                except BrokenPipeError:
                    continue  # it has just died: its closed output is seen next

    def _start(self, slot: int) -> Worker:
        self.log.mkdir(parents=True, exist_ok=True)
        own = {"PARTBENCH_CORES": ",".join(map(str, cores(slot, self.threads)))}
        with (self.log / f"worker-{slot}.log").open("ab") as messages:
            process = subprocess.Popen(
                worker_command(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=messages,
                env={**environment(self.threads), **own},
                # Unbuffered: a second event read along with the first would never wake `select`.
                bufsize=0,
                # Ctrl-C reaches the driver alone, which then asks the workers to save and stop.
                start_new_session=True,
            )
        started = Worker(process, slot)
        self.selector.register(_file(process), selectors.EVENT_READ, started)
        return started

    def _bury(self, worker: Worker, tell: Callable[[Event], None]) -> None:
        code = worker.process.wait()
        self._forget(worker)
        self.workers.remove(worker)
        if worker.busy is not None:
            self.tries.died(worker.busy, code, tell)

    def _forget(self, worker: Worker) -> None:
        self.selector.unregister(_file(worker.process))
        for pipe in (worker.process.stdin, worker.process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    pass


def cores(slot: int, threads: int) -> list[int]:
    """The cores of a slot: `threads` of those this process may use, in turn; empty if unknown."""
    if not hasattr(os, "sched_getaffinity"):
        return []
    mine = sorted(os.sched_getaffinity(0))
    return [mine[(slot * threads + i) % len(mine)] for i in range(min(threads, len(mine)))]


def _file(process: "subprocess.Popen[bytes]") -> BinaryIO:
    assert process.stdout is not None
    return process.stdout  # type: ignore[return-value]

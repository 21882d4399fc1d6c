"""Processes that take steps when asked, so that a driver without torch can time them in turn.

    driver -> worker   one JSON line: {"name": ..., "steps": ..., "threads": ..., "cores": [...]}
    worker -> driver   one JSON line: {"seconds": [...]}

The worker's first line says which configurations it has; it ends when its input does.
"""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

from partbench.core.errors import CellError
from partbench.measure.timing import Block


def serve(blocks: Mapping[str, Block], facts: Mapping[str, Any] | None = None) -> None:
    """Answer requests on standard input until it ends. `facts` travel with the first line.

    After a change of threads one step is taken and not counted: their pool starts with it.
    """
    import torch

    # Answers keep the real standard output to themselves; what libraries print goes to errors.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    answers.write(json.dumps({"names": list(blocks), **(facts or {})}) + "\n")
    for line in sys.stdin:
        request = json.loads(line)
        if request["cores"] and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, request["cores"])
        if request["threads"] != torch.get_num_threads():
            torch.set_num_threads(request["threads"])
            blocks[request["name"]](1)
        seconds = blocks[request["name"]](request["steps"])
        answers.write(json.dumps({"seconds": seconds}) + "\n")


class Worker:
    """One such process. A context manager; the process ends with it.

    command: what to run; settings: JSON it finds in the environment as PARTBENCH_WORKER;
    environment: variables on top of this process's own (threads, allocator). Raises CellError
    where the process ends before it has answered.
    """

    def __init__(
        self,
        command: Sequence[str],
        settings: Mapping[str, Any] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.process = subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                "OMP_WAIT_POLICY": "PASSIVE",
                **(environment or {}),
                "PARTBENCH_WORKER": json.dumps(settings or {}),
            },
        )
        self._facts: dict[str, Any] | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """The worker's first line; waits for it."""
        if self._facts is None:
            self._facts = self.read()
        return self._facts

    def ask(
        self, name: str, steps: int, *, threads: int = 1, cores: Sequence[int] | None = None
    ) -> None:
        """Send the request for a block; `read` gets the answer."""
        _ = self.facts
        request = {"name": name, "steps": steps, "threads": threads, "cores": cores}
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise self._ended() from None

    def read(self) -> dict[str, Any]:
        """The next answer."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise self._ended()
        return json.loads(line)

    def block(self, name: str, *, threads: int = 1, cores: Sequence[int] | None = None) -> Block:
        """The configuration `name` as a block that `timing.interleave` can take."""
        return beside([self], name, threads=threads, cores=[cores])

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.close()
            self.process.wait(timeout=5)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def __enter__(self) -> "Worker":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _ended(self) -> CellError:
        code = self.process.wait()
        return CellError(f"timing: the worker ended with code {code} before it answered")


def settings() -> dict[str, Any]:
    """In the worker: what the driver sent along."""
    return json.loads(os.environ.get("PARTBENCH_WORKER", "{}"))


def beside(
    workers: Sequence[Worker],
    name: str,
    *,
    threads: int = 1,
    cores: Sequence[Sequence[int] | None] | None = None,
) -> Block:
    """A block that all `workers` run at the same moment: the mean seconds of each step.

    cores: for each worker, the processors it may use.
    """

    def block(steps: int) -> list[float]:
        for worker, own in zip(workers, cores or [None] * len(workers), strict=True):
            worker.ask(name, steps, threads=threads, cores=own)
        answers = [worker.read()["seconds"] for worker in workers]
        return [statistics.fmean(step) for step in zip(*answers, strict=True)]

    return block

"""Cells on a Ray cluster, or on a Ray of this machine's own: one actor a slot, each with a
long-lived worker. Folders are on a disk that all nodes share; results are read by the driver alone.

With RAY_ADDRESS set the cluster there is joined and as many slots are taken as its processors (or
graphics cards) hold; else a Ray with `slots` of them is started here and ended with the study.
"""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from partbench.core.errors import PartbenchError
from partbench.engines import Event
from partbench.engines.tries import Tries, arrived, environment, worker_command

GRACE_SECONDS = 30.0
STARTS = 2
"""Ray waits 15 seconds for its own processes and no more (ray issue 65983); once is not enough."""


class Slot:
    """In the actor: one worker, spoken to line by line."""

    def __init__(self, variables: dict[str, str], folder: str, log: str) -> None:
        with Path(log).open("ab") as messages:
            self.process = subprocess.Popen(
                worker_command(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=messages,
                env={**os.environ, **variables},
                cwd=folder,
                start_new_session=True,
            )

    def hear(self, folder: str | None) -> Event:
        """Give the worker a folder, if there is one; its next event, or that it died."""
        import json

        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with suppress(BrokenPipeError):  # it has just died: its closed output says so
            if folder is not None:
                self.process.stdin.write(f"{folder}\n".encode())
                self.process.stdin.flush()
        line = self.process.stdout.readline()
        return json.loads(line) if line else {"event": "died", "code": self.process.wait()}

    def stop(self) -> None:
        """End the worker: at a cell it saves a checkpoint, without one its input ends."""
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.terminate()
        try:
            self.process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()


@dataclass(eq=False)
class Busy:
    """An actor and the folder its worker is at."""

    actor: Any
    folder: Path | None = None


class Ray:
    """`threads` processors and `gpus` graphics cards a slot; workers' messages go to `log`."""

    def __init__(self, slots: int, threads: int, log: Path, *, gpus: int = 0) -> None:
        self.slots = slots
        self.threads = threads
        self.gpus = gpus
        self.log = log
        self.actors: list[Busy] = []
        self.tries = Tries()
        self.started = False
        self.count = 0

    def __enter__(self) -> "Ray":
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
        if not self.tries.waiting or until():
            return
        ray = self._ray()
        pending: dict[Any, Busy] = {}
        while self.tries.waiting or pending:
            if until():
                self.close()
                return
            self._feed(ray, pending)
            ready, _ = ray.wait(list(pending), num_returns=1, timeout=0.2)
            for reference in ready:
                busy = pending.pop(reference)
                try:
                    event = ray.get(reference)
                except ray.exceptions.RayError as error:
                    event = {"event": "died", "code": type(error).__name__}
                if event["event"] == "died":
                    self._bury(ray, busy, event["code"], tell)
                elif event["event"] == "done":
                    folder, busy.folder = busy.folder, None
                    busy_elsewhere = event["status"] == "busy"
                    if folder is not None and not busy_elsewhere and not arrived(folder):
                        self.tries.died(folder, "none: no record came, is the disk shared?", tell)
                        continue
                    tell(event)
                else:
                    pending[busy.actor.hear.remote(None)] = busy
                    tell(event)

    def close(self) -> None:
        """End all workers, each of which saves a checkpoint, and the Ray that was started here."""
        self.tries.waiting.clear()
        if not self.actors and not self.started:
            return
        import ray

        stopping = [busy.actor.stop.remote() for busy in self.actors]
        ray.wait(stopping, num_returns=len(stopping), timeout=GRACE_SECONDS) if stopping else None
        for busy in self.actors:
            ray.kill(busy.actor)
        self.actors = []
        if self.started:
            ray.shutdown()
            self.started = False

    def _feed(self, ray: Any, pending: dict[Any, Busy]) -> None:
        waiting = self.tries.waiting
        idle = [busy for busy in self.actors if busy.folder is None]
        for _ in range(min(self.slots - len(self.actors), len(waiting) - len(idle))):
            idle.append(self._start(ray))
            self.actors.append(idle[-1])
        for busy in idle[: len(waiting)]:
            busy.folder = waiting.popleft()
            pending[busy.actor.hear.remote(str(busy.folder))] = busy

    def _start(self, ray: Any) -> Busy:
        self.log.mkdir(parents=True, exist_ok=True)
        ours = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OMP_WAIT_POLICY", "PARTBENCH_HOME")
        variables = {k: v for k, v in environment(self.threads).items() if k in ours}
        # Two at a time: `stop` must be heard while `hear` waits for its worker.
        actor = ray.remote(num_cpus=self.threads, num_gpus=self.gpus, max_concurrency=2)(Slot)
        log = self.log.absolute() / f"worker-{self.count}.log"
        self.count += 1
        return Busy(actor.remote(variables, os.getcwd(), str(log)))

    def _bury(self, ray: Any, busy: Busy, code: int | str, tell: Callable[[Event], None]) -> None:
        ray.kill(busy.actor)
        self.actors.remove(busy)
        if busy.folder is not None:
            self.tries.died(busy.folder, code, tell)

    def _ray(self) -> Any:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        import ray

        if ray.is_initialized():
            return ray
        joins = bool(os.environ.get("RAY_ADDRESS"))
        settings: dict[str, Any] = (
            {} if joins else {"num_cpus": self.slots * self.threads, "address": "local"}
        )
        if not joins and self.gpus:
            settings["num_gpus"] = self.slots * self.gpus
        numbers = (signal.SIGINT, signal.SIGTERM)
        handlers = [signal.getsignal(number) for number in numbers]
        for start in range(STARTS):
            try:
                ray.init(include_dashboard=False, log_to_driver=False, configure_logging=False,
                         **settings)  # fmt: skip
                break
            except Exception as error:
                ray.shutdown()
                if start + 1 == STARTS:
                    first = str(error).strip().splitlines()
                    reason = first[0] if first else type(error).__name__
                    raise PartbenchError(
                        f"--engine ray: Ray did not start, {STARTS} times: {reason}"
                    ) from None
        if threading.current_thread() is threading.main_thread():
            for number, handler in zip(numbers, handlers, strict=True):
                signal.signal(number, handler)  # Ray takes SIGTERM for itself; it is the driver's
        self.started = True
        if joins:
            self.slots = self._room(ray.cluster_resources())
        return ray

    def _room(self, resources: dict[str, float]) -> int:
        slots = int(resources.get("CPU", 0) // self.threads)
        if self.gpus:
            slots = min(slots, int(resources.get("GPU", 0) // self.gpus))
        if not slots:
            raise PartbenchError(
                f"--engine ray: no node of the cluster has room for {self.threads} processors and "
                f"{self.gpus} graphics cards a cell"
            )
        return slots

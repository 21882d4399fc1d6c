"""Cells on a Slurm cluster: a job array by submitit, a job a cell, on a disk that all nodes share.

Each job starts one worker. Asked to end (preempted, at its time limit), it lets the
worker save a checkpoint and puts itself back into the queue; the next node goes on from there. The
driver polls for records and for jobs that are gone, and needs no accounting database.

sbatch's own variables say where: SBATCH_PARTITION, SBATCH_ACCOUNT, SBATCH_TIMELIMIT and others.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from partbench.core.cell import RECORD
from partbench.core.errors import PartbenchError
from partbench.core.files import write_whole
from partbench.engines import Event
from partbench.engines.tries import SHARED_SECONDS, Tries, environment, worker_command

POLL_SECONDS = 2.0
GRACE_SECONDS = 60.0
TIME_LIMIT_MINUTES = 60
"""Of a job; a cell that takes longer saves, waits in the queue and goes on."""
SIGNAL_SECONDS = 60
"""How long before its limit a job is told."""
JOBS = 256
"""The most jobs of one array; where there are more cells, a job takes several in turn."""
DIED, BUSY, STOP = "worker-died", "busy", "stop"


class Job:
    """What runs on a node: some folders in turn, one worker. Pickled by reference for submitit."""

    def __init__(self, folders: list[Path], threads: int, stop: Path) -> None:
        self.folders = folders
        self.threads = threads
        self.stop = stop
        self.asked = False
        self.worker: subprocess.Popen[bytes] | None = None

    def __call__(self) -> str:
        """ "done"; "stopped" where the driver ended it, "requeued" where somebody else did."""
        for number in (signal.SIGTERM, signal.SIGUSR2):
            signal.signal(number, self._ask)
        for folder in self.folders:
            if not (folder / RECORD).exists() and not self._over():
                self._serve(folder)
        if self.worker is not None:
            assert self.worker.stdin is not None
            self.worker.stdin.close()
            self.worker.wait()
        if self.stop.exists():
            return "stopped"
        if self.asked:
            subprocess.run(["scontrol", "requeue", own_id(os.environ)], check=False, timeout=60)
            return "requeued"
        return "done"

    def _serve(self, folder: Path) -> None:
        """Run one folder's cell; a worker that dies of itself leaves its exit code there."""
        worker = self.worker = self.worker or self._start()
        if self.asked:  # a moment ago, when there was no worker to tell
            worker.terminate()
        assert worker.stdin is not None
        assert worker.stdout is not None
        with suppress(BrokenPipeError):
            worker.stdin.write(f"{folder}\n".encode())
            worker.stdin.flush()
        for line in worker.stdout:
            event = json.loads(line)
            if event["event"] == "done":
                if event["status"] == BUSY:
                    write_whole(folder / DIED, BUSY)
                return
        code = worker.wait()
        self.worker = None
        if not self._over():
            write_whole(folder / DIED, str(code))

    def _start(self) -> "subprocess.Popen[bytes]":
        # Of its own session: Slurm's signals reach this process alone, which passes one on.
        return subprocess.Popen(
            worker_command(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(self.threads),
            start_new_session=True,
        )

    def _over(self) -> bool:
        return self.asked or self.stop.exists()

    def _ask(self, *signal_and_frame: Any) -> None:
        self.asked = True
        if self.worker is not None:
            self.worker.terminate()


class Slurm:
    """`threads` processors and `gpus` graphics cards a cell; jobs' messages go to `log`."""

    def __init__(self, threads: int, log: Path, *, gpus: int = 0) -> None:
        self.threads = threads
        self.gpus = gpus
        self.log = log
        self.stop = log.absolute() / STOP
        self.tries = Tries()
        self.under_way: dict[Path, str] = {}
        self.missed: dict[Path, float] = {}

    def __enter__(self) -> "Slurm":
        self.stop.unlink(missing_ok=True)
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
        while self.tries.waiting or self.under_way:
            if until():
                self.close()
                return
            self._submit()
            time.sleep(POLL_SECONDS)
            for folder in list(self.under_way):
                self._look(folder, tell)
            self._bury(tell)

    def close(self) -> None:
        """Cancel all jobs; those that run save a checkpoint first."""
        self.tries.waiting.clear()
        if not self.under_way:
            return
        self.stop.parent.mkdir(parents=True, exist_ok=True)
        self.stop.touch()
        mine = set(self.under_way.values())
        subprocess.run(["scancel", *sorted(mine)], check=False, capture_output=True)
        limit = time.monotonic() + GRACE_SECONDS
        while time.monotonic() < limit:
            known = queued()
            if known is not None and not mine & known:
                break
            time.sleep(min(POLL_SECONDS, 1.0))
        self.under_way.clear()

    def _submit(self) -> None:
        folders = [folder.absolute() for folder in self.tries.waiting]
        self.tries.waiting.clear()
        if not folders:
            return
        for folder in folders:
            (folder / DIED).unlink(missing_ok=True)
        shares = [folders[start::JOBS] for start in range(min(JOBS, len(folders)))]
        jobs = [Job(share, self.threads, self.stop) for share in shares]
        ids = submit(jobs, self.log / "slurm", self.threads, self.gpus)
        for share, job in zip(shares, ids, strict=True):
            self.under_way |= dict.fromkeys(share, job)

    def _look(self, folder: Path, tell: Callable[[Event], None]) -> None:
        record, died = folder / RECORD, folder / DIED
        if record.exists():
            found = json.loads(record.read_text(encoding="utf-8"))
            del self.under_way[folder]
            self.missed.pop(folder, None)
            event = {"event": "done", "folder": str(folder), "id": found["id"]}
            tell({**event, "status": found["status"]})
        elif died.exists():
            del self.under_way[folder]
            self.missed.pop(folder, None)
            said = died.read_text(encoding="utf-8")
            if said == BUSY:
                tell({"event": "done", "folder": str(folder), "id": folder.name, "status": BUSY})
            else:
                self.tries.died(folder, said, tell)

    def _bury(self, tell: Callable[[Event], None]) -> None:
        """Jobs that left the queue without a word: the node is gone, or somebody cancelled them."""
        known = queued() if self.under_way else set()
        if known is None:
            return
        now = time.monotonic()
        for folder, job in list(self.under_way.items()):
            if job in known:
                self.missed.pop(folder, None)
            elif now - self.missed.setdefault(folder, now) > SHARED_SECONDS:
                del self.under_way[folder], self.missed[folder]
                self.tries.died(folder, "unknown: its job left the queue", tell)


def submit(jobs: list[Job], folder: Path, threads: int, gpus: int) -> list[str]:
    """Put jobs into the queue as one array; their ids. `folder` gets submitit's files and logs.

    Raises PartbenchError with sbatch's own words where it refuses.
    """
    import submitit
    from submitit.core.utils import FailedJobError

    folder.mkdir(parents=True, exist_ok=True)
    executor = submitit.SlurmExecutor(folder=folder)
    executor.update_parameters(
        job_name="partbench",
        time=TIME_LIMIT_MINUTES,
        cpus_per_task=threads,
        signal_delay_s=SIGNAL_SECONDS,
        array_parallelism=JOBS,
        additional_parameters={"requeue": True},
        **({"gpus_per_node": gpus} if gpus else {}),
    )
    try:
        with executor.batch():
            submitted = [executor.submit(job) for job in jobs]
    except FailedJobError as error:
        said = str(error).strip().splitlines()[-1]
        raise PartbenchError(f"--engine slurm: sbatch refused: {said}") from None
    return [job.job_id for job in submitted]


def queued() -> set[str] | None:
    """Ids of this user's jobs that wait or run, arrays item by item; None if Slurm is silent."""
    asked = ["squeue", "--me", "--noheader", "--array", "--format", "%i"]
    done = subprocess.run(asked, capture_output=True, text=True)
    return set(done.stdout.split()) if done.returncode == 0 else None


def own_id(variables: Any) -> str:
    """This job's id as squeue writes it."""
    if "SLURM_ARRAY_JOB_ID" in variables:
        return f"{variables['SLURM_ARRAY_JOB_ID']}_{variables['SLURM_ARRAY_TASK_ID']}"
    return variables["SLURM_JOB_ID"]

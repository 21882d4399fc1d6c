"""A long-lived worker: folders in on standard input, events out on standard output, line by line.

A cell's bits do not depend on which worker ran it or what ran before (tested). On SIGTERM the
running cell saves its checkpoint and the worker ends with exit code 143.
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from partbench.core import cell as names
from partbench.core.cell import Cell
from partbench.core.errors import BusyError
from partbench.train.loop import Stopped
from partbench.train.process import thread_environment
from partbench.train.record import run_cell

TELL_SECONDS = 0.25
TERMINATED = 143
BUSY = "busy"


class Lost(Exception):
    """A cell of several ranks ended with exit code `code` and without a record."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Worker:
    """Runs cells one after the other until its input ends or it is asked to stop."""

    def __init__(self) -> None:
        self.stopping = False
        self.torchrun: subprocess.Popen[bytes] | None = None
        self.told = 0.0
        # Events keep their own copy of standard output; whatever a part prints goes to the log.
        self.output = os.fdopen(os.dup(1), "w", buffering=1)
        os.dup2(2, 1)
        signal.signal(signal.SIGTERM, self._stop)
        die_with_parent()
        pin(os.environ.get("PARTBENCH_CORES", ""))

    def serve(self) -> int:
        """Serve standard input to its end; returns the exit code."""
        for line in sys.stdin:
            folder = Path(line.strip())
            cell = Cell.read(folder / names.SPEC)

            def progress(step: int, steps: int, loss: float, cell: Cell = cell) -> bool:
                if time.monotonic() - self.told > TELL_SECONDS:
                    self.told = time.monotonic()
                    self._tell(event="step", id=cell.id, step=step, steps=steps, loss=loss)
                return self.stopping

            found = (folder / names.RECORD).exists()  # another study was quicker
            try:
                if cell.how.ranks > 1:
                    status = self._launch(cell, folder)
                else:
                    status = run_cell(cell, folder, progress, wait=False)["status"]
            except Stopped:
                return TERMINATED
            except Lost as error:
                return error.code
            except BusyError:  # another study is at this cell: its record will do, later
                self._tell(event="done", id=cell.id, folder=str(folder), status=BUSY)
                continue
            self._tell(event="done", id=cell.id, folder=str(folder), status=status, found=found)
            if self.stopping:
                return TERMINATED
        return 0

    def _launch(self, cell: Cell, folder: Path) -> str:
        """Run a cell of several ranks under torchrun; the status of its record.

        Raises Stopped where it was asked to stop, Lost where it ended without a record.
        """
        command = ["torch.distributed.run", "--standalone", "--nproc-per-node", str(cell.how.ranks)]
        command += ["-m", "partbench", "cell", str(folder / names.SPEC), "--out", str(folder)]
        environment = thread_environment(cell.how.threads)
        self.torchrun = subprocess.Popen(
            [sys.executable, "-P", "-m", *command], stdin=subprocess.DEVNULL, env=environment
        )
        if self.stopping:  # asked between two lines
            self.torchrun.terminate()
        code = self.torchrun.wait()
        self.torchrun = None
        path = folder / names.RECORD
        if path.exists():
            return json.loads(path.read_text(encoding="utf-8"))["status"]
        if self.stopping:
            raise Stopped
        raise Lost(code)

    def _stop(self, *signal_and_frame: Any) -> None:
        self.stopping = True
        if self.torchrun is not None:
            self.torchrun.terminate()

    def _tell(self, **event: Any) -> None:
        loss = event.get("loss")
        if loss is not None and loss != loss:
            event["loss"] = None  # JSON has no word for "not a number"
        try:
            self.output.write(json.dumps(event) + "\n")
        except BrokenPipeError:  # the driver is gone: no fault of the cell, which saves and stops
            self.stopping = True


def pin(cores: str) -> None:
    """Keep this process on the listed cores, where the system can."""
    if cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(core) for core in cores.split(",")})


def die_with_parent() -> None:
    """On Linux, ask to be terminated (and so to save) when the driver dies, however it dies."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # 1 = PR_SET_PDEATHSIG

"""`--track NAME`: a process beside the study hands what its cells write to a tracker.

The study never waits for it: a tracker that is slow, fails or hangs costs a line on stderr.
"""

import dataclasses
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from partbench.core import cell as names
from partbench.exchange.trackers import Run, check

if TYPE_CHECKING:
    from partbench.study.plan import Job

Track = Annotated[
    str | None,
    typer.Option(
        "--track", metavar="NAME", help="Also keep curves in tensorboard, wandb, trackio or mlflow."
    ),
]
PATIENCE_SECONDS = 30.0
"""How long the end of a study waits for its tracker to write down the rest."""
LOG = "logs/tracker.log"


class Tracking:
    """The process, and what it was told. `name` None tracks nothing.

    ConfigError where there is no such tracker, or its package is not installed.
    """

    def __init__(self, name: str | None, say: Callable[[str], None]) -> None:
        self.name, self.say = name, say
        self.process: subprocess.Popen[bytes] | None = None
        self.told: set[str] = set()
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        if name is not None:
            check(name)

    def follow(self, job: "Job", study: str, where: Path, folder: Path) -> None:
        """Follow a cell that trains in `where`; `folder` is the study's. At once, never waiting."""
        cell = job.cell
        if self.name is None or (where / names.RECORD).exists():
            return
        config = {**cell.config, "numerics": cell.numerics}
        self.tell(Run(cell.id, study, job.arm, cell.seed, str(where.absolute()), config), folder)

    def tell(self, run: Run, folder: Path) -> None:
        """Follow any run, told once."""
        if self.name is not None and run.id not in self.told:
            self.told.add(run.id)
            self._write(json.dumps(dataclasses.asdict(run)) + "\n", folder)

    def _write(self, line: str, folder: Path) -> None:
        if self.process is None:
            self.process = self._start(folder)
            self._writer = threading.Thread(target=self._hand_on, daemon=True)
            self._writer.start()
        self._lines.put(line)

    def _hand_on(self) -> None:
        """Lines to the process, in a thread of its own: a pipe that is full holds up nobody."""
        assert self.process is not None
        assert self.process.stdin is not None
        with suppress(OSError), self.process.stdin as pipe:  # it ended: `close` says so
            while (line := self._lines.get()) is not None:
                pipe.write(line.encode())
                pipe.flush()

    def _start(self, folder: Path) -> "subprocess.Popen[bytes]":
        self.log = folder / LOG
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as messages:
            return subprocess.Popen(
                [sys.executable, "-P", "-m", "partbench", "follow", str(self.name), str(folder)],
                stdin=subprocess.PIPE,
                stdout=messages,
                stderr=messages,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
                start_new_session=True,  # Ctrl-C is for the study, which then ends this in order
            )

    def close(self) -> None:
        """End it: what was written is handed on first, for as long as that may take."""
        if self.process is None:
            return
        self._lines.put(None)
        try:
            code = self.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self._writer.join()
        if code:
            self.say(
                f"--track {self.name} ended with exit code {code}, no run was touched by it; "
                f"see {self.log}"
            )


def follow(
    name: Annotated[str, typer.Argument(help="The tracker.")],
    folder: Annotated[Path, typer.Argument(help="The study's folder.")],
) -> None:
    """Hand the metrics of runs, given line by line on standard input, to a tracker."""
    from partbench.exchange.trackers.follow import CellFiles, Reader, main
    from partbench.study.outside.tracked import CommandFiles

    def reader(run: Run) -> Reader:
        return CommandFiles(run) if run.reading else CellFiles(run)

    if hasattr(os, "nice"):
        os.nice(10)
    main(name, folder, reader)

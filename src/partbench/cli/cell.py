"""`partbench cell` and `partbench worker`: what engines start. One spec in, one record out."""

import json
import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from partbench.cli.track import Track, Tracking
from partbench.core.cell import Cell


def cell(
    spec: Annotated[Path, typer.Argument(help="The spec.json of a cell.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder of the cell (default: its place in the ledger).")
    ] = None,
    track: Track = None,
) -> None:
    """Run one cell in this process, or in those that torchrun started, and write its record.
    Exit codes: 0 finished or diverged, 1 failed, 2 bad input, 143 stopped with a checkpoint."""
    read = Cell.read(spec)
    tracking = Tracking(track, lambda text: print(f"partbench: {text}", file=sys.stderr))
    from partbench.study.ledger import Ledger
    from partbench.study.plan import Job

    folder = out or Ledger().folder(read)
    import signal

    from partbench.train.loop import Stopped
    from partbench.train.parallel import joined, leave
    from partbench.train.record import run_cell

    stopping = []
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    code = 0
    with closing(tracking), joined(read.how) as ranks:
        if ranks.first:
            tracking.follow(Job("cell", read.seed, read), read.id[:12], folder, folder)
        try:
            record = run_cell(read, folder, lambda step, steps, loss: bool(stopping), ranks)
        except Stopped:
            code = 143
        else:
            if ranks.first:
                said = {key: record.get(key) for key in ("id", "status", "score", "reason")}
                sys.stdout.write(json.dumps(said) + "\n")
                code = int(record["status"] == "failed")
    leave(ranks, code)
    if code:
        raise typer.Exit(code)


def worker(
    specs: Annotated[list[Path] | None, typer.Argument(help="Specs to measure.")] = None,
    time: Annotated[bool, typer.Option("--time", help="Seconds a step of the specs.")] = False,
    memory: Annotated[bool, typer.Option("--memory", help="Peak memory of the spec.")] = False,
    doctor: Annotated[bool, typer.Option("--doctor", help="Steps and kernels on demand.")] = False,
    weigh: Annotated[bool, typer.Option("--weigh", help="Memory the specs will need.")] = False,
    short: Annotated[bool, typer.Option("--short", help="Short runs of the specs.")] = False,
) -> None:
    """Serve cells: folders in on standard input, events out on standard output."""
    if doctor:
        from partbench.train.costing import serve_doctor

        serve_doctor()
        return
    if weigh or short:
        from partbench.train import foresight

        sys.stdout.write(json.dumps(foresight.answers(specs or [], short)) + "\n")
        return
    if time or memory:
        from partbench.train.costing import memory_of, times_of

        cells = [Cell.read(path) for path in specs or []]
        answer = times_of(cells) if time else memory_of(cells[0])
        if memory:
            from partbench.testing.audit.before import before_study

            answer["audit"] = before_study(cells[0].config)
        sys.stdout.write(json.dumps(answer) + "\n")
        return
    from partbench.train.worker import Worker

    raise typer.Exit(Worker().serve())

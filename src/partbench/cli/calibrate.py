"""`partbench calibrate`: how often is the bench wrong? Studies whose truth is known, judged."""

import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

UNDER_WAY, INTERRUPTED = 3, 130


def calibrate(
    out: Annotated[Path, typer.Option(help="Folder of what is under way.")] = Path(
        "runs/calibration"
    ),
    results: Annotated[
        Path | None, typer.Option(help="Folder of records and figures, if not the same.")
    ] = None,
    page: Annotated[
        Path | None, typer.Option(help="The page (default: calibration.md beside the figures).")
    ] = None,
    for_: Annotated[
        str | None, typer.Option("--for", help="Stop after this time, e.g. 20m; goes on later.")
    ] = None,
    workers: Annotated[int, typer.Option(help="Cells side by side, one core each.", min=1)] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="The figures as JSON on stdout.")] = False,
) -> None:
    """Measure false alarms, power and coverage of the bench itself, and write the page on it.

    Trains some seven thousand tiny cells, which takes an hour or more of one core, and judges more
    than a hundred thousand studies drawn from them. Ctrl-C is safe: the same command goes on. Exit
    codes: 0 complete, 1 a cell failed, 3 time is up (--for), 130 Ctrl-C.
    """
    from functools import partial

    from partbench.cli import options
    from partbench.core.files import held, write_whole
    from partbench.engines.local import Local
    from partbench.report.calibration import page as text
    from partbench.report.write import data
    from partbench.study.calibration.asked import Asked
    from partbench.study.calibration.run import Calibration
    from partbench.study.ledger import Ledger
    from partbench.study.run import Interrupted

    seconds, results = options.seconds_of(for_), results or out
    live = Stages()
    calibration = Calibration(
        Asked(), out, results, Ledger(), partial(Local, workers, 1), live, seconds
    )
    began = time.monotonic()
    try:
        with held(out / ".lock", "calibration"), live:
            found = calibration.run()
    except (Interrupted, KeyboardInterrupt):
        print("partbench: stopped, nothing is lost: the same command goes on.", file=sys.stderr)
        over = seconds is not None and time.monotonic() - began >= seconds
        raise typer.Exit(UNDER_WAY if over else INTERRUPTED) from None
    written = page or results / "calibration.md"
    write_whole(written, text(found))
    if as_json:
        sys.stdout.write(data(found))
    else:
        typer.echo(f"written: {written}")


class Stages:
    """One live line on a terminal, a line a stage in a pipe; all on stderr."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
        from rich.progress import TimeRemainingColumn as Left

        self.console = Console(stderr=True, highlight=False)
        self.bar = Progress(
            TextColumn("{task.description}"), BarColumn(bar_width=24), MofNCompleteColumn(),
            TextColumn("left"), Left(), console=self.console,
            disable=not self.console.is_terminal, transient=True,
        )  # fmt: skip
        self.task: Any = None

    def __enter__(self) -> "Stages":
        self.bar.start()
        return self

    def __exit__(self, *reason: object) -> None:
        self.bar.stop()

    def begin(self, what: str, total: int) -> None:
        """A stage of so many cells or studies begins."""
        if self.task is not None:
            self.bar.remove_task(self.task)
        self.task = self.bar.add_task(what, total=total or None)
        self.console.print(f"{what}: {total}" if total else what, markup=False, soft_wrap=True)

    def advance(self, by: int = 1) -> None:
        """So many are done."""
        self.bar.advance(self.task, by)

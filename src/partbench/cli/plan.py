"""`partbench plan`: what a study would cost and could resolve, before anything runs."""

from pathlib import Path
from typing import Annotated

import typer

from partbench.cli import options
from partbench.cli.options import Base, Careful, Looks, Margin, Sets, StudyFile, Swaps, Tuned


def plan(
    study: StudyFile = None,
    swap: Swaps = None,
    base: Base = "quick",
    set_: Sets = None,
    margin: Margin = None,
    careful: Careful = False,
    looks: Looks = None,
    tune: Tuned = False,
    skypilot: Annotated[
        Path | None, typer.Option(help="Write a SkyPilot task that runs the study to this file.")
    ] = None,
) -> None:
    """Print cells, core-hours, memory, disk and the difference the study can resolve."""
    from partbench.cli import machine
    from partbench.study import forecast
    from partbench.study.ledger import Ledger

    chosen = machine.Chooser(typer.echo)
    question = options.study_of(
        study, swap, base, set_, chosen, margin=margin, careful=careful, looks=looks, tune=tune
    )
    typer.echo(forecast.text(forecast.forecast(question, Ledger(), chosen.slots)))
    if skypilot is not None:
        from partbench import __version__
        from partbench.core.files import write_whole
        from partbench.engines.skypilot import task

        command = options.command_of(study, swap, base, set_, margin, careful, looks, tune)
        cores = max(8, chosen.slots)
        name = question.name
        write_whole(skypilot, task(name, question.id, command, cores, str(skypilot), __version__))
        typer.echo(f"SkyPilot task written; start it with: sky jobs launch {skypilot}")

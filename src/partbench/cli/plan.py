"""`partbench plan`: what a study would cost and could resolve, before anything runs."""

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

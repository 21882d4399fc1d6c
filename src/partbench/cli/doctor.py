"""`partbench doctor`: what this machine is and what suits it."""

import json
from typing import Annotated, Any

import typer


def doctor(
    quick: Annotated[bool, typer.Option(help="Only what a study needs.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The profile as JSON.")] = False,
) -> None:
    """Measure this machine (threads, precision, attention path) and keep the result."""
    from partbench.measure import machine

    profile = examine(quick)
    if as_json:
        typer.echo(json.dumps(profile))
        return
    for name, value in profile["description"].items():
        typer.echo(f"{name:14} {value}")
    for reason in machine.choose(profile, 64).reasons:
        typer.echo(f"{'chosen':14} {reason}")


def examine(quick: bool) -> dict[str, Any]:
    """Measure, keep and return the profile."""
    raise NotImplementedError

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
    """Measure with real training steps of the quick preset, keep and return the profile."""
    import sys
    from contextlib import ExitStack

    from partbench.measure import doctor, machine
    from partbench.measure.workers import Worker
    from partbench.study.spec import base_config

    config = base_config("quick").resolved
    command = [sys.executable, "-m", "partbench", "worker", "--doctor"]
    cores = machine.cores()
    with ExitStack() as stack:
        workers = [stack.enter_context(Worker(command, {"config": config})) for _ in cores]
        sizes = {**config["dims"], "batch": config["train"]["batch"]}
        profile = machine.profile(doctor.examine(workers, cores, sizes, quick=quick))
    machine.write(profile)
    return profile

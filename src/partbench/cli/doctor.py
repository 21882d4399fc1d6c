"""`partbench doctor`: what this machine is and what suits it; what a study will take of it."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer


def doctor(
    quick: Annotated[bool, typer.Option(help="Only what a study needs.")] = False,
    study: Annotated[
        Path | None,
        typer.Option(help="A study file: time, memory and disk it will take, before it runs."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="All of it as JSON.")] = False,
) -> None:
    """Measure this machine (threads, precision, attention path) and keep the result; or, with
    --study, say what a study will take of it. Exit code 2 where memory or disk cannot suffice."""
    if study is not None:
        _foresee(study, as_json)
        return
    from partbench.measure import machine

    profile = examine(quick)
    if as_json:
        typer.echo(json.dumps(profile))
        return
    for name, value in profile["description"].items():
        typer.echo(f"{name:14} {value}")
    for reason in machine.choose(profile, 64).reasons:
        typer.echo(f"{'chosen':14} {reason}")


def _foresee(study: Path, as_json: bool) -> None:
    import dataclasses
    import sys

    from partbench.cli import machine
    from partbench.study import foresight
    from partbench.study.ledger import Ledger
    from partbench.study.spec import from_file

    chosen = machine.Chooser(lambda line: print(line, file=sys.stderr))
    found = foresight.foresee(from_file(study, chosen), Ledger(), chosen.slots)
    said = json.dumps(dataclasses.asdict(found)) if as_json else foresight.text(found)
    typer.echo(said)


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

"""`partbench evaluate`: lm-eval's tasks on a trained model."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from partbench.cli.runs import Run, folder_of
from partbench.core.errors import InputError


def evaluate(
    run: Run,
    tasks: Annotated[str, typer.Option(help="lm-eval's names or YAML files, with commas.")],
    shots: Annotated[int | None, typer.Option(help="Examples before each; the task's own.")] = None,
    limit: Annotated[int | None, typer.Option(help="Only the first so many of each task.")] = None,
    batch: Annotated[int, typer.Option(help="Texts scored at a time.")] = 16,
    out: Annotated[Path | None, typer.Option(help="Also write the results to this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The results as JSON on stdout.")] = False,
) -> None:
    """Run lm-eval's tasks on a trained model. lm-eval fetches the data of its own tasks from the
    network; a YAML file over a local file of JSON lines needs none. Needs the extra `evaluate`."""
    if batch < 1:
        raise InputError(f"--batch {batch} is below 1")
    folder = folder_of(run)
    from partbench.core.files import write_json
    from partbench.exchange.trained import open_folder

    try:
        from partbench.exchange import harness
    except ModuleNotFoundError as error:
        raise InputError(
            f"evaluate needs lm-eval ({error.name} is not installed): "
            f"pip install 'partbench[evaluate]'"
        ) from None
    found = harness.evaluate(
        open_folder(folder),
        [task.strip() for task in tasks.split(",") if task.strip()],
        shots=shots,
        limit=limit,
        batch=batch,
    )
    if out is not None:
        write_json(out, found)
    if as_json:
        sys.stdout.write(json.dumps(found) + "\n")
        return
    for task, metric, value, deviation in harness.rows(found):
        spread = "" if deviation is None else f" +- {deviation:.4f}"
        typer.echo(f"{task:24} {metric:20} {value:.4f}{spread}")

"""`partbench export`: a trained model as files that other programs read."""

from pathlib import Path
from typing import Annotated

import typer

from partbench.cli.runs import Run, folder_of
from partbench.core.errors import unknown

TARGETS = ("partbench", "llama", "qwen3", "gemma2", "gpt2", "onnx")


def export(
    run: Run,
    to: Annotated[str, typer.Option(help=f"One of: {', '.join(TARGETS)}.")] = "partbench",
    out: Annotated[
        Path | None, typer.Option(help="A new folder; default exports/<cell>-<target>.")
    ] = None,
) -> None:
    """Write a trained model as a folder: any model for transformers' AutoModelForCausalLM
    (partbench, with trust_remote_code=True) or as ONNX; and those that fit as Llama, Qwen3, Gemma 2
    or GPT-2. What a layout cannot hold is named, and nothing is written."""
    if to not in TARGETS:
        raise unknown("target", to, "--to", TARGETS)
    folder = folder_of(run)
    from partbench.exchange.trained import open_folder

    trained = open_folder(folder)
    place = out or Path("exports") / f"{trained.name.replace('cell ', '').replace('/', '-')}-{to}"
    if to == "partbench":
        from partbench.exchange import own

        own.write(trained, place)
    elif to == "onnx":
        from partbench.exchange import onnx

        onnx.write(trained, place)
    else:
        from partbench.exchange import huggingface

        huggingface.write(huggingface.LAYOUTS[to], trained, place)
    typer.echo(str(place))

"""`partbench import`: a model of Hugging Face's as a model folder of ours."""

from pathlib import Path
from typing import Annotated

import typer


def import_(
    folder: Annotated[Path, typer.Argument(help="A folder in a Llama, Qwen3, Gemma 2 or GPT-2 "
                                                "layout: config.json and safetensors.")],
    out: Annotated[Path, typer.Argument(help="The new model folder.")],
) -> None:  # fmt: skip
    """Read a model of Hugging Face's into a model folder, which `generate`, `evaluate` and `export`
    take as RUN. Only safetensors and JSON are read; no code of the folder is run."""
    from partbench.exchange import huggingface, own

    trained = huggingface.read(folder)
    own.write(trained, out)
    dims, count = trained.tree["dims"], sum(t.numel() for t in trained.weights.values())
    typer.echo(f"{out}: {count:,} parameters, {dims['depth']} layers of width {dims['width']}")

"""`partbench generate`: let a trained model continue one or more texts."""

import sys
from typing import Annotated

import typer

from partbench.cli.runs import Run, folder_of


def generate(
    run: Run,
    prompt: Annotated[
        list[str] | None, typer.Option(help="The text to continue; repeat it for several.")
    ] = None,
    tokens: Annotated[int, typer.Option(help="How many tokens to add.")] = 200,
    temperature: Annotated[float, typer.Option(help="0 takes the likeliest token.")] = 0.8,
    top_k: Annotated[int | None, typer.Option(help="Draw from the k likeliest alone.")] = None,
    top_p: Annotated[
        float | None, typer.Option(help="Draw from the fewest that together have this share.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed, another text.")] = 1,
) -> None:
    """Continue a text with a trained model, token by token from its caches, as it is drawn.
    Several prompts are decoded together and shown one after the other."""
    folder = folder_of(run)
    from partbench.exchange.generation import Sampling, streams
    from partbench.exchange.trained import open_folder

    sampling = Sampling(temperature=temperature, top_k=top_k, top_p=top_p, seed=seed)
    prompts = ["\n"] if prompt is None else prompt
    rest = [""] * len(prompts)
    for row, piece in streams(open_folder(folder), prompts, tokens, sampling):
        if len(prompts) == 1:
            typer.echo(piece, nl=False)
            sys.stdout.flush()
        rest[row] += piece
    if len(prompts) > 1:
        typer.echo("\n\n".join(prompts[row] + rest[row] for row in range(len(prompts))), nl=False)
    typer.echo()

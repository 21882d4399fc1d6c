"""`partbench sample`: let a trained cell continue a text."""

from typing import Annotated

import typer

from partbench.core.errors import InputError


def sample(
    cell: Annotated[str, typer.Argument(help="The first letters of a cell's id (see a report).")],
    prompt: Annotated[str, typer.Option(help="The text to continue.")] = "\n",
    tokens: Annotated[int, typer.Option(help="How many tokens to add.")] = 200,
    temperature: Annotated[float, typer.Option(help="0 takes the likeliest token.")] = 0.8,
    seed: Annotated[int, typer.Option(help="Another seed, another text.")] = 1,
) -> None:
    """Continue a text with a cell's trained model, token by token from its cache."""
    from partbench.study.ledger import Ledger

    found = Ledger().search(cell)
    if temperature < 0:
        raise InputError(f"--temperature {temperature:g} is negative; 0 takes the likeliest token")
    if tokens < 1:
        raise InputError(f"--tokens {tokens} is below 1")
    from partbench.train.sampling import continuation

    for piece in continuation(found, prompt, tokens, temperature, seed):
        typer.echo(piece, nl=False)
    typer.echo()

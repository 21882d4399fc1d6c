"""`partbench audit`: what is wrong with a part, found in seconds and without a training run."""

import json
import sys
from typing import Annotated, Any

import typer

from partbench.cli.options import Sets

FAILED = 1
What = Annotated[
    str,
    typer.Argument(
        metavar="PART",
        help="A part's name, slot=name, file.py:Class, or a table: 'mixer={part=..., window=4}'.",
    ),
]


def audit(
    what: What,
    slot: Annotated[
        str | None, typer.Option(help="The slot, where the part's name or class leaves it open.")
    ] = None,
    set_: Sets = None,
    fast: Annotated[
        bool, typer.Option("--fast", help="Only what is checked before every study.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="The findings as JSON on stdout.")
    ] = False,
) -> None:
    """Check one part in tiny models: leaks, dead gradients, collapse, growth, decoding, rounding.

    --set fills the slots beside it. Nothing is trained beyond four steps. Exit codes: 0 nothing
    failed (warnings may stand), 1 a check failed, 2 bad input.
    """
    from partbench.testing.audit.asked import asked

    subject = asked(what, slot, set_ or [])
    import torch

    from partbench.testing.audit import FAST, WHOLE, audit
    from partbench.train.process import keep_freed_memory

    keep_freed_memory()
    torch.set_num_threads(1)  # models this small are slower on two
    rows = audit(subject, FAST if fast else WHOLE)
    failed = any(row.verdict == "fail" for row in rows)
    if as_json:
        found: dict[str, Any] = {"part": str(subject), "failed": failed}
        found["findings"] = [row.tree() for row in rows]
        sys.stdout.write(json.dumps(found, allow_nan=False) + "\n")
    else:
        typer.echo("\n".join([str(subject), *_lines(rows)]))
    if failed:
        raise typer.Exit(FAILED)


def _lines(rows: list[Any]) -> list[str]:
    """A row a check, its advice below it where it did not pass."""
    lines = [f"  {'check':20} {'verdict':7} {'measured':>9} {'limit':>8}  found"]
    for row in rows:
        lines.append(
            f"  {row.check:20} {row.verdict:7} {_number(row.number):>9} {_number(row.limit):>8}  "
            f"{row.found}"
        )
        if row.advice:
            lines.append(f"  {'':20} {'':7} {'':>9} {'':>8}  -> {row.advice}")
    count = {word: sum(row.verdict == word for row in rows) for word in ("pass", "warn", "fail")}
    return [*lines, ", ".join(f"{number} {word}" for word, number in count.items())]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2g}"

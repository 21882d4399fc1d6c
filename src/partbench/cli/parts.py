"""`partbench parts`: the menu."""

from typing import Annotated

import typer

from partbench.core import menu
from partbench.core.errors import unknown


def parts(
    slot: Annotated[str | None, typer.Argument(help="One slot, with every setting.")] = None,
) -> None:
    """List the slots and what can fill them; with a slot, each part's settings and defaults."""
    if slot is not None and slot not in menu.SLOTS:
        raise unknown("slot", slot, "partbench parts", menu.SLOTS)
    if slot is None:
        for name in menu.SLOTS:
            typer.echo(f"{name:12} {', '.join(menu.names(name))}")
        return
    for name in menu.names(slot):
        part = menu.find(slot, name)
        typer.echo(f"{slot}={name}\n    {part.summary}")
        for setting in part.settings.values():
            typer.echo(f"    {setting.name}: {setting.annotation} = {setting.default!r}")

"""The three things that words can mean to a lamp."""

from typing import Literal

Tag = Literal["lit", "dark", "nothing"]
LIT: Tag = "lit"
DARK: Tag = "dark"
NOTHING: Tag = "nothing"
TAGS: tuple[Tag, ...] = (LIT, DARK, NOTHING)


def wish(lit: bool) -> Tag:
    """The tag of wanting the lamp to be so."""
    return LIT if lit else DARK

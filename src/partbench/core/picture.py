"""The size of the pictures that a task hands out."""

from typing import NamedTuple


class Picture(NamedTuple):
    """Channels (1 grey, 3 colour), and rows and columns in pixels."""

    channels: int
    height: int
    width: int

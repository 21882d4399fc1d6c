"""Which earlier places a prediction looks at, and in which slots it finds them.

Predicting token i from the padded row p = [edge, w_0, w_1, ...], whose newest place is i:
    radial r    slot k holds p[i - k] while there is one; the newest is slot 0
    block B     slot k holds p[s + k] up to i, s = floor(i / B) B: anchored where the block begins
    document    no slots: the mean of p[0 .. i]

In packed text each document has an edge of its own, at place g; then i - g takes the place of i and
nothing before g is seen: a document's predictions are those it has in a row of its own.

Paper: Williams and Zhao 2023, arXiv:2311.07510 (abstract and talk; the indices are ours).
"""

from typing import Literal, NamedTuple

import torch
from torch import Tensor

Kind = Literal["radial", "block"]


class Slots(NamedTuple):
    """places: in the padded row [time, slot], 0 where empty; filled: bool [time, slot].

    With documents in the rows both are [rows, time, slot].
    There are as many slots as the fullest position fills, so that short texts use the leading
    corner of what a layer knows about more.
    """

    places: Tensor
    filled: Tensor


def slots(kind: Kind, size: int, positions: Tensor, begins: Tensor | None = None) -> Slots:
    """The slots of the predictions after the tokens at `positions` (0 is the first token).

    begins: the place of its document's edge for each of them, [rows, time]; without, place 0.
    """
    newest = positions + 1
    deep = newest if begins is None else newest - begins
    most = size if kind == "radial" else _fullest(deep, size)
    step = torch.arange(min(most, int(deep.max()) + 1), device=positions.device)
    if kind == "radial":
        places = newest[:, None] - step
        filled = step <= deep[..., None]
    else:
        first = newest - deep % size
        places = first[..., None] + step
        filled = places <= newest[:, None]
    return Slots(places.where(filled, 0), filled)


def edges(padded: Tensor, edge: int) -> Tensor:
    """The place of the last edge up to each place of padded rows: [rows, 1 + time]."""
    places = torch.arange(padded.shape[1], device=padded.device)
    return places.where(padded == edge, 0).cummax(1).values


def _fullest(newest: Tensor, size: int) -> int:
    return int((newest % size).max()) + 1

"""Which earlier places a prediction looks at, and in which slots it finds them.

Predicting token i from the padded row p = [edge, w_0, w_1, ...], whose newest place is i:
    radial r    slot k holds p[i - k] while there is one; the newest is slot 0
    block B     slot k holds p[s + k] up to i, s = floor(i / B) B: anchored where the block begins
    document    no slots: the mean of p[0 .. i]

Paper: Williams and Zhao 2023, arXiv:2311.07510 (abstract and talk; the indices are ours).
"""

from typing import Literal, NamedTuple

import torch
from torch import Tensor

Kind = Literal["radial", "block"]


class Slots(NamedTuple):
    """places: in the padded row [time, slot], 0 where empty; filled: bool [time, slot].

    There are as many slots as the fullest position fills, so that short texts use the leading
    corner of what a layer knows about more.
    """

    places: Tensor
    filled: Tensor


def slots(kind: Kind, size: int, positions: Tensor) -> Slots:
    """The slots of the predictions after the tokens at `positions` (0 is the first token)."""
    newest = positions + 1
    most = size if kind == "radial" else _fullest(newest, size)
    step = torch.arange(min(most, int(newest.max()) + 1), device=positions.device)
    if kind == "radial":
        places = newest[:, None] - step
        filled = places >= 0
    else:
        places = (newest // size * size)[:, None] + step
        filled = places <= newest[:, None]
    return Slots(places.where(filled, 0), filled)


def _fullest(newest: Tensor, size: int) -> int:
    return int((newest % size).max()) + 1

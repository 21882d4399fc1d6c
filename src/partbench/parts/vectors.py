"""Token vectors from counts alone: ciphers, their control arms, and co-occurrences of them.

    cipher     by frequency                      shuffled   the same ciphers in a random order
    random     non-negative, in place of bits    sum, cat   co-occurrences of ciphers at offsets

All rows are non-negative and sum to one.
Paper: Zhao and Williams 2023, arXiv:2311.11012. Source: the control arms are ours.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from partbench.core.errors import ConfigError, unknown
from partbench.parts import cipher
from partbench.parts.apart import Windows, whole
from partbench.parts.cooccurrence import Cooccurrence

KINDS = ("cipher", "shuffled", "random", "sum", "cat")


def check(kind: str, offsets: Sequence[int], place: str) -> None:
    """ConfigError for a kind that is not there, or offsets that are none."""
    if kind not in KINDS:
        raise unknown("setting", kind, f"{place}.vectors", KINDS)
    if not offsets or 0 in offsets:
        raise ConfigError(
            f"{place}.offsets: {list(offsets)}; give distances other than 0, e.g. [-1, 1]"
        )


def blocks(kind: str, offsets: Sequence[int]) -> int:
    """How many ciphers' lengths a vector has."""
    return len(offsets) if kind == "cat" else 1


def counted(kind: str) -> bool:
    """Whether a vector is made of what stands around its token."""
    return kind in ("sum", "cat")


def ciphers(kind: str, bits: int, ranks: np.ndarray, drawn: Tensor, place: str) -> Tensor:
    """[vocab, bits] float64. drawn: random numbers [vocab, bits or more], for arms that want them.

    Raises ConfigError, naming `place`, where so few bits cannot tell all tokens apart.
    """
    if kind == "random":
        table = drawn[:, -bits:].abs().double().cpu() + 1e-12
        return table / table.sum(1, keepdim=True)
    if kind == "shuffled":
        ranks = drawn[:, 0].argsort().cpu().numpy()
    eta = cipher.normalised(cipher.codes(bits, len(ranks), place))
    return torch.from_numpy(eta[ranks])


def with_edge(
    kind: str,
    bits: int,
    offsets: Sequence[int],
    ranks: np.ndarray,
    chunks: Sequence[Windows],
    drawn: Tensor,
    place: str,
) -> Tensor:
    """[vocab + 1, D] float64, the edge last, in a dimension of its own in every block.

    D = bits + 1, or that a block of "cat".
    """
    table = ciphers(kind, bits, ranks, drawn, place)
    found = torch.from_numpy(cipher.with_edge(table.numpy()))
    if not counted(kind):
        return found
    around = Cooccurrence(found, offsets)
    for chunk in chunks:
        around.add(whole(chunk))
    return around.vectors("sum" if kind == "sum" else "cat")

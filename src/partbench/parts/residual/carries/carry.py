"""What a carry map is: from free numbers to the matrix that takes n streams over one sublayer.

R_ij is the weight of OLD stream j in NEW stream i: rows that sum to one keep the stream's size
forward, columns that sum to one keep the gradient's size backward. Source: Xie et al. 2025,
arXiv:2512.24880, section 4; every map of this folder is one answer to its question.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from torch import Tensor


class Matrix(Protocol):
    """z [.., size(n)] -> R [.., n, n], differentiable. found: what `solve` made of the same z."""

    def __call__(self, z: Tensor, n: int, found: Tensor | None = None) -> Tensor:
        """The matrices."""
        ...


class Carry(NamedTuple):
    """Pure functions.

    size: how many numbers a matrix of n streams takes. start: where they begin, near the identity:
    what streams differ by shrinks by `keep` a sublayer (n, keep) -> [size]. solve: for maps that
    iterate, the answer without its derivative, so that it can be kept for a whole step.
    """

    size: Callable[[int], int]
    start: Callable[[int, float], Tensor]
    matrix: Matrix
    solve: Callable[[Tensor, int], Tensor] | None = None
    stochastic: bool = True  # rows and columns sum to one and nothing is negative


def halved(sublayers: int) -> float:
    """The `keep` by which a difference between streams halves over the whole depth."""
    return 2.0 ** (-1.0 / sublayers)

"""KromHC: a Kronecker product of 2 x 2 doubly stochastic matrices; n a power of two.

    R = K(p_1) (x) .. (x) K(p_m),   K(p) = [[p, 1 - p], [1 - p, p]],   p = sigmoid(z),   n = 2^m

log2(n) numbers a matrix; always symmetric, and all such matrices commute: little freedom.
Paper: 2026, arXiv:2601.21579, which spends two logits on each p where one will do.
"""

import math

import torch
from torch import Tensor

from partbench.core.errors import ConfigError
from partbench.parts.residual.carries.carry import Carry


def size(n: int) -> int:
    """log2(n); ConfigError where that is no whole number."""
    if n & (n - 1):
        near = 2 ** round(math.log2(n))
        raise ConfigError(
            f"residual.streams: {n} is not a power of two, as kronecker needs; try {near}"
        )
    return n.bit_length() - 1


def matrix(z: Tensor, n: int, found: Tensor | None = None) -> Tensor:
    """R [.., n, n] from log2(n) logits."""
    whole = z.new_ones((*z.shape[:-1], 1, 1))
    for p in z.sigmoid().unbind(-1):
        small = torch.stack([p, 1 - p, 1 - p, p], -1).unflatten(-1, (2, 2))
        outer = whole[..., :, None, :, None] * small[..., None, :, None, :]
        whole = outer.flatten(-2).flatten(-3, -2)
    return whole


def start(n: int, keep: float) -> Tensor:
    """2 p - 1 = keep: the largest eigenvalue below one."""
    return torch.full((size(n),), math.log((1 + keep) / (1 - keep)))


kronecker = Carry(size=size, start=start, matrix=matrix)

"""Orthostochastic: the squares of an orthogonal matrix's entries, by the exact polar factor.

    R = O * O,   Z = O H with O orthogonal and H symmetric positive  (the orthogonal nearest to Z)
    dO = O W,    H W + W H = O'dZ - dZ'O

Rows and columns sum to one exactly, because rows and columns of O have length one. Papers: exact
parameterisations of hyper-connections: 2026, arXiv:2604.02309; polar factor: Higham 1986.
Trap: at Z = I every derivative of R is zero (dR = 2 O * dO, and dO has no diagonal), so a start at
the identity never moves. The start is a small rotation.
"""

from typing import Any

import torch
from torch import Tensor

from partbench.parts.residual.carries.carry import Carry


def matrix(z: Tensor, n: int, found: Tensor | None = None) -> Tensor:
    """R [.., n, n] from the n^2 entries of Z."""
    turned: Tensor = _Polar.apply(z.unflatten(-1, (n, n)))
    return turned * turned


class _Polar(torch.autograd.Function):
    """torch's derivative of U V' divides by differences of singular values; this one by sums."""

    @staticmethod
    def forward(ctx: Any, z: Tensor) -> Tensor:
        left, sizes, right = torch.linalg.svd(z.double())
        answer = left @ right
        ctx.save_for_backward(answer, sizes, right)
        return answer.to(z.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        answer, sizes, right = ctx.saved_tensors
        inner = right @ answer.mT @ gradient.double() @ right.mT
        skew = inner - inner.mT
        solved = skew / (sizes.unsqueeze(-1) + sizes.unsqueeze(-2)).clamp_min(1e-12)
        return (answer @ right.mT @ solved @ right).to(gradient.dtype)


def start(n: int, keep: float) -> Tensor:
    """I + s K, K skew of ones: off the diagonal R begins near (1 - keep) / n."""
    ones = torch.ones(n, n).triu(1)
    return (torch.eye(n) + ((1 - keep) / n) ** 0.5 * (ones - ones.T)).flatten()


orthostochastic = Carry(size=lambda n: n * n, start=start, matrix=matrix)

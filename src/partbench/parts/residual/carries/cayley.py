"""Cayley: an orthogonal matrix, so lengths are kept exactly, in both directions.

    R = (I - A)(I + A)^-1,   A = z above the diagonal, -z below

Rows do not sum to one, and entries may be negative: a signed mix. n (n - 1) / 2 numbers a matrix.
Paper: 2026, orthogonal maps for hyper-connections (JPmHC); the transform: Cayley 1846.
"""

import torch
from torch import Tensor

from partbench.parts.residual.carries.carry import Carry


def matrix(z: Tensor, n: int, found: Tensor | None = None) -> Tensor:
    """R [.., n, n] from n (n - 1) / 2 numbers."""
    upper = z.new_zeros((*z.shape[:-1], n, n))
    if n > 1:
        rows, columns = torch.triu_indices(n, n, 1, device=z.device)
        upper[..., rows, columns] = z
    skew = upper - upper.mT
    eye = torch.eye(n, dtype=z.dtype, device=z.device)
    # A and I + A commute, so the order of the two factors does not matter.
    answer: Tensor = torch.linalg.solve(eye + skew, eye - skew)
    return answer


def start(n: int, keep: float) -> Tensor:
    """A = 0: the identity, where this map has a derivative."""
    return torch.zeros(n * (n - 1) // 2)


cayley = Carry(size=lambda n: n * (n - 1) // 2, start=start, matrix=matrix, stochastic=False)

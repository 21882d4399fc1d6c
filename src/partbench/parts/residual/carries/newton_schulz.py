"""Orthostochastic by five Newton-Schulz steps: only nearly orthogonal, so only nearly stochastic.

    X = Z / |Z|_F;   five times X <- 3 X - 3.2 X X'X + 1.2 (X X')^2 X;   R = X * X

Source: tokenbender/mHC (2026), setting `ns`. Kept to show what the approximation costs: with random
Z row sums of R are off by 3 % in the middle and by half at worst, and errors multiply over depth.
Differs: starts at the same small rotation as `orthostochastic`; the source's start (0 and -8) is
R = 1/n everywhere, complete averaging, with row sums of 1.006.
"""

import torch
from torch import Tensor

from partbench.parts.residual.carries.carry import Carry
from partbench.parts.residual.carries.orthostochastic import start

STEPS = 5


def matrix(z: Tensor, n: int, found: Tensor | None = None) -> Tensor:
    """R [.., n, n], row and column sums near one, from the n^2 entries of Z."""
    x = z.unflatten(-1, (n, n))
    with torch.autocast(z.device.type, enabled=False):
        x = x / x.square().sum((-1, -2), keepdim=True).sqrt()
        for _ in range(STEPS):
            square = x @ x.mT
            x = 3 * x - 3.2 * square @ x + 1.2 * square @ square @ x
    return x * x


newton_schulz = Carry(size=lambda n: n * n, start=start, matrix=matrix, stochastic=False)

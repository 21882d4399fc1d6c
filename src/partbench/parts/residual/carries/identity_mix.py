"""Identity mix: R = (1 - g) I + g S, S Sinkhorn's, with one learned gate g.

Doubly stochastic because both are. Source: tokenbender/mHC (2026), branch `identity mix`.
Differs: S starts at 1/n everywhere with live gradients (temperature 1); the source's temperature
of .05 starts S at the identity with gradients of exactly zero.
"""

import math

import torch
from torch import Tensor

from partbench.parts.residual.carries.carry import Carry
from partbench.parts.residual.carries.sinkhorn import matrix as sinkhorn
from partbench.parts.residual.carries.sinkhorn import solve


def matrix(z: Tensor, n: int, found: Tensor | None = None) -> Tensor:
    """R [.., n, n] from the gate's logit and the n^2 of S."""
    gate = z[..., :1, None].sigmoid()
    mixed = sinkhorn(z[..., 1:], n, found)
    return (1 - gate) * torch.eye(n, dtype=z.dtype, device=z.device) + gate * mixed


def start(n: int, keep: float) -> Tensor:
    """g = 1 - keep, S = 1/n everywhere."""
    return torch.cat([torch.tensor([math.log((1 - keep) / keep)]), torch.zeros(n * n)])


identity_mix = Carry(
    size=lambda n: 1 + n * n,
    start=start,
    matrix=matrix,
    solve=lambda z, n: solve(z[..., 1:], n),
)

"""R = I: streams are never mixed, only read and written. The control for every other map.

No numbers. Source: the ablation in Zhu et al. 2024, arXiv:2409.19606, and reports that it does as
well as doubly stochastic maps at scale.
"""

import torch
from torch import Tensor

from partbench.parts.residual.carries.carry import Carry


def matrix(z: Tensor, n: int, found: Tensor | None = None) -> Tensor:
    """I, for each of the leading axes."""
    return torch.eye(n, dtype=z.dtype, device=z.device).expand(*z.shape[:-1], n, n)


identity = Carry(size=lambda n: 0, start=lambda n, keep: torch.zeros(0), matrix=matrix)

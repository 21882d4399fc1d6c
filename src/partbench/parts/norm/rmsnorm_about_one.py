"""RMSNorm whose gain is 1 + w: x / sqrt(mean(x^2) + eps) * (1 + w), w from 0.

Paper: Gemma 2, arXiv:2408.00118 (the formula is in its code). The same function as RMSNorm; what
differs is what weight decay pulls towards, and the rounding of gains near 1.
"""

import torch
from torch import nn

from partbench.core.ranges import NotNegative
from partbench.core.roles import Role
from partbench.parts.norm.rmsnorm import normed
from partbench.parts.shapes import Vectors


class RMSNormAboutOne(nn.Module):
    """x / sqrt(mean(x^2) + eps) * (1 + w) over the last axis, statistics and gain in float32.

    Cost: one number a channel.
    """

    ROLES = {"excess": Role.GAIN}

    def __init__(self, width: int, *, eps: NotNegative = 1e-6) -> None:
        super().__init__()
        self.excess = nn.Parameter(torch.zeros(width))
        self.eps = eps

    def forward(self, x: Vectors) -> Vectors:
        """The normalised vector."""
        return normed(x.to(self.excess.dtype), 1 + self.excess, self.eps)

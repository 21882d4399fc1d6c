"""RMSNorm: x / sqrt(mean(x^2) + eps) * gain. No mean is subtracted, no bias added.

Paper: Zhang and Sennrich 2019, arXiv:1910.07467.
"""

import torch
from torch import nn

from partbench.core.ranges import NotNegative
from partbench.core.roles import Role
from partbench.parts.shapes import Vectors


class RMSNorm(nn.Module):
    """x / sqrt(mean(x^2) + eps) * gain over the last axis, statistics in float32.

    Gain starts at 1; eps 1e-6 as in Llama and Qwen3 (gpt-oss and OLMo 2 use 1e-5).
    Cost: one number a channel.
    """

    ROLES = {"gain": Role.GAIN}

    def __init__(self, width: int, *, eps: NotNegative = 1e-6) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x: Vectors) -> Vectors:
        """The normalised vector."""
        return nn.functional.rms_norm(x.to(self.gain.dtype), self.gain.shape, self.gain, self.eps)

"""LayerNorm: (x - mean) / sqrt(variance + eps) * gain + bias.

Paper: Ba, Kiros, Hinton 2016, arXiv:1607.06450.
"""

import torch
from torch import nn

from partbench.core.ranges import NotNegative
from partbench.core.roles import Role
from partbench.parts.shapes import Vectors


class LayerNorm(nn.Module):
    """(x - mean(x)) / sqrt(var(x) + eps) * gain + bias over the last axis, statistics in float32.

    Gain starts at 1, bias at 0. Unchanged when x becomes a x + b (a > 0).
    Cost: one or two numbers a channel.
    """

    ROLES = {"gain": Role.GAIN, "shift": Role.BIAS}

    def __init__(self, width: int, *, eps: NotNegative = 1e-5, bias: bool = False) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(width))
        self.shift = nn.Parameter(torch.zeros(width)) if bias else None
        self.eps = eps

    def forward(self, x: Vectors) -> Vectors:
        """The normalised vector."""
        x = x.to(self.gain.dtype)
        return nn.functional.layer_norm(x, self.gain.shape, self.gain, self.shift, self.eps)

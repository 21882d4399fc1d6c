"""Derf: gain * erf(a x + s) + shift, which squashes each channel by itself.

Paper: Chen et al. 2025, arXiv:2512.10938, where it beats dynamic tanh and the norms. No statistic
is taken: a vector's size is bounded, not set.
"""

import torch
from torch import Tensor, nn

from partbench.core.ranges import Positive
from partbench.core.roles import Role
from partbench.parts.shapes import Vectors


class DynamicErf(nn.Module):
    """gain * erf(a x + s) + shift over the last axis, in float32 or wider; a, s one number each.

    Gain starts at 1, s and shift at 0.
    Settings: start, a at first: 0.5.
    Cost: two numbers a channel and two more; an error function a channel.
    """

    ROLES = {"slope": Role.SCALAR, "offset": Role.BIAS, "gain": Role.GAIN, "shift": Role.BIAS}

    def __init__(self, width: int, *, start: Positive = 0.5) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.tensor(start))
        self.offset: Tensor | None = nn.Parameter(torch.tensor(0.0))
        self.gain = nn.Parameter(torch.ones(width))
        self.shift: Tensor | None = nn.Parameter(torch.zeros(width))

    def forward(self, x: Vectors) -> Vectors:
        """The squashed vector."""
        steep = self.slope * x.to(self.gain.dtype)
        squashed = torch.erf(steep if self.offset is None else steep + self.offset) * self.gain
        return squashed if self.shift is None else squashed + self.shift

"""Dynamic Tanh (DyT): gain * tanh(a x) + shift, which squashes each channel by itself.

Paper: Zhu et al. 2025, arXiv:2503.10622. No statistic is taken: a vector's size is bounded, not
set. On little text it regularises, on much it costs loss (arXiv:2604.23434).
"""

import torch
from torch import Tensor, nn

from partbench.core.ranges import Positive
from partbench.core.roles import Role
from partbench.parts.shapes import Vectors


class DynamicTanh(nn.Module):
    """gain * tanh(a x) + shift over the last axis, in float32 or wider; a is one learned number.

    Gain starts at 1, shift at 0.
    Settings: start, a at first: 0.5; smaller for wide models (Llama 7B in the paper: 0.8 before
    attention, 0.2 elsewhere).
    Cost: two numbers a channel and one more; a tanh a channel.
    """

    ROLES = {"slope": Role.SCALAR, "gain": Role.GAIN, "shift": Role.BIAS}

    def __init__(self, width: int, *, start: Positive = 0.5) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.tensor(start))
        self.gain = nn.Parameter(torch.ones(width))
        self.shift: Tensor | None = nn.Parameter(torch.zeros(width))

    def forward(self, x: Vectors) -> Vectors:
        """The squashed vector."""
        squashed = torch.tanh(self.slope * x.to(self.gain.dtype)) * self.gain
        return squashed if self.shift is None else squashed + self.shift

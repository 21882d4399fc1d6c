"""ReLU: p_i = max(s_i, 0) / n^power, n the number of choices that may be seen.

Paper: Wortsman et al. 2023, arXiv:2309.08586. n is the count of visible choices of each row, not
the length of the text, so that early positions are not weighed down.
"""

from typing import ClassVar

import torch
from torch import nn

from partbench.core.ranges import NotNegative
from partbench.core.roles import Role
from partbench.parts.shapes import Choices


class ReLU(nn.Module):
    """relu(s) / n^power. Weights sum to anything, also to 0.

    Settings: power, 1 as in the paper.
    Cost: no parameters; no exponential. Not fused.
    """

    ROLES: ClassVar[dict[str, Role]] = {}
    PROVIDES = ("any_sum",)

    def __init__(self, *, power: NotNegative = 1.0) -> None:
        super().__init__()
        self.power = power

    def forward(self, scores: Choices) -> Choices:
        """Weights from 0 up."""
        visible = (scores > -torch.inf).sum(-1, keepdim=True).clamp_min(1)
        return scores.relu() / visible.to(scores.dtype).pow(self.power)

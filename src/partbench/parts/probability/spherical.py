"""Spherical softmax: p_i = (s_i^2 + eps) / sum_j (s_j^2 + eps).

Paper: de Brebisson and Vincent 2015, arXiv:1511.05042; Vincent et al. 2015, arXiv:1412.7091.
"""

from typing import ClassVar

import torch
from torch import nn

from partbench.core.ranges import Positive
from partbench.core.roles import Role
from partbench.parts.shapes import Choices


class SphericalSoftmax(nn.Module):
    """Squares in place of exponentials: the sign of a score is lost.

    Settings: eps, which makes all weights equal where all scores are 0.
    Limits: no gradient at s = 0; a constant added to all scores changes the weights.
    Cost: no parameters; no exponential.
    """

    ROLES: ClassVar[dict[str, Role]] = {}
    PROVIDES = ()

    def __init__(self, *, eps: Positive = 1e-6) -> None:
        super().__init__()
        self.eps = eps

    def forward(self, scores: Choices) -> Choices:
        """Weights that sum to one."""
        hidden = scores == -torch.inf
        weights = (scores.masked_fill(hidden, 0.0).square() + self.eps).masked_fill(hidden, 0.0)
        return weights / weights.sum(-1, keepdim=True).clamp_min(torch.finfo(weights.dtype).tiny)

"""Taylor softmax: p_i = f(s_i) / sum_j f(s_j), f(s) = 1 + s + s^2 / 2.

Paper: de Brebisson and Vincent 2015, arXiv:1511.05042, who found it better than softmax on small
images and worse on language.
"""

from typing import ClassVar

import torch
from torch import nn

from partbench.core.roles import Role
from partbench.parts.shapes import Choices


class TaylorSoftmax(nn.Module):
    """The second-order expansion of exp in place of it.

    Limits: below s = -1 a lower score gets more weight, and adding a constant to all scores changes
    the weights. Cost: no parameters; no exponential.
    """

    ROLES: ClassVar[dict[str, Role]] = {}
    PROVIDES = ()

    def forward(self, scores: Choices) -> Choices:
        """Weights that sum to one."""
        hidden = scores == -torch.inf
        seen = scores.masked_fill(hidden, 0.0)
        weights = (1 + seen + seen.square() / 2).masked_fill(hidden, 0.0)
        return weights / weights.sum(-1, keepdim=True).clamp_min(torch.finfo(weights.dtype).tiny)

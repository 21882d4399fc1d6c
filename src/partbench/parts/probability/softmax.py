"""Softmax: p_i = exp(s_i) / sum_j exp(s_j).

Paper: Bridle 1990, "Probabilistic interpretation of feedforward classification network outputs".
"""

from typing import ClassVar

from torch import nn

from partbench.core.roles import Role
from partbench.parts.shapes import Choices


class Softmax(nn.Module):
    """p = exp(s - max s) / sum exp(s - max s) over the last axis, summed in float32 or wider.

    Cost: no parameters; one exponential a score.
    """

    ROLES: ClassVar[dict[str, Role]] = {}
    PROVIDES = ("fused_attention",)

    def forward(self, scores: Choices) -> Choices:
        """Weights that sum to one."""
        return scores.softmax(dim=-1)

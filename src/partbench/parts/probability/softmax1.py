"""Softmax1: p_i = exp(s_i) / (1 + sum_j exp(s_j)), a softmax that may choose nothing.

Source: Miller 2023, "Attention is off by one" (a blog post); the same map is softmax beside one
more score fixed at 0.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

from partbench.core.roles import Role
from partbench.parts.shapes import Choices


class Softmax1(nn.Module):
    """Softmax over [0, scores] without its first weight. Weights sum to less than one.

    Cost: no parameters; one exponential a score. Fused attention computes it with one more key of
    zeros.
    """

    ROLES: ClassVar[dict[str, Role]] = {}
    PROVIDES = ("fused_sink",)

    def forward(self, scores: Choices) -> Choices:
        """Weights that sum to less than one."""
        return nn.functional.pad(scores, (1, 0)).softmax(dim=-1)[..., 1:]

    def sink(self) -> Tensor:
        """The score of the choice that is nothing: 0 for every head."""
        return torch.zeros(1)

"""Sigmoid: each choice is weighed by itself, p_i = 1 / (1 + exp(-(s_i + b))).

Paper: Ramapuram et al. 2024, arXiv:2409.04431, with b = -ln n, n the length that is trained on; as
a router: DeepSeek-V3, arXiv:2412.19437, with b = 0.
"""

import math
from typing import ClassVar

from torch import nn

from partbench.core.dims import Dims
from partbench.core.roles import Role
from partbench.parts.shapes import Choices


class Sigmoid(nn.Module):
    """sigmoid(s + b). Weights sum to anything; no choice takes from another.

    Settings: bias, b; none: -ln(dims.context), whatever the length of a text, so that weights sum
    to about 1 at first. Give 0 in a router.
    Cost: no parameters; one exponential a score. Not fused.
    """

    ROLES: ClassVar[dict[str, Role]] = {}
    PROVIDES = ("any_sum",)

    def __init__(self, dims: Dims, *, bias: float | None = None) -> None:
        super().__init__()
        self.bias = -math.log(dims.context) if bias is None else bias

    def forward(self, scores: Choices) -> Choices:
        """Weights between 0 and 1."""
        return (scores + self.bias).sigmoid()

"""Sparsemax: the nearest point of the simplex, p_i = max(s_i - tau, 0), tau so that sum p = 1.

Paper: Martins and Astudillo 2016, arXiv:1602.02068; computed by the package entmax.
"""

from typing import ClassVar

from torch import nn

from partbench.core.errors import ConfigError
from partbench.core.roles import Role
from partbench.parts.shapes import Choices


class Sparsemax(nn.Module):
    """argmin over the simplex of |p - s|^2. Many weights are exactly 0, and get no gradient.

    Cost: no parameters; a row is sorted. Not fused. Needs the extra `sparse` (package entmax);
    ConfigError without it.
    """

    ROLES: ClassVar[dict[str, Role]] = {}
    PROVIDES = ()

    def __init__(self) -> None:
        super().__init__()
        try:
            from entmax import sparsemax
        except ImportError:
            raise ConfigError(
                "sparsemax: the package entmax is not installed; pip install 'partbench[sparse]'"
            ) from None
        self.map = sparsemax

    def forward(self, scores: Choices) -> Choices:
        """Weights that sum to one, some of them 0."""
        return self.map(scores if scores.itemsize > 2 else scores.float(), dim=-1)

"""1.5-entmax, between softmax and sparsemax: p_i = max(s_i / 2 - tau, 0)^2, sum p = 1.

Paper: Peters, Niculae, Martins 2019, arXiv:1905.05702; computed by the package entmax.
"""

from typing import ClassVar

from torch import nn

from partbench.core.errors import ConfigError
from partbench.core.roles import Role
from partbench.parts.shapes import Choices


class Entmax15(nn.Module):
    """The map that belongs to Tsallis entropy with alpha = 1.5: sparse, with a smooth edge.

    Cost: no parameters; a row is sorted. Not fused. Needs the extra `sparse` (package entmax);
    ConfigError without it.
    """

    ROLES: ClassVar[dict[str, Role]] = {}
    PROVIDES = ()

    def __init__(self) -> None:
        super().__init__()
        try:
            from entmax import entmax15
        except ImportError:
            raise ConfigError(
                "entmax15: the package entmax is not installed; pip install 'partbench[sparse]'"
            ) from None
        self.map = entmax15

    def forward(self, scores: Choices) -> Choices:
        """Weights that sum to one, some of them 0."""
        return self.map(scores if scores.itemsize > 2 else scores.float(), dim=-1)

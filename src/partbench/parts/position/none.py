"""No positions: only the causal mask breaks the symmetry of order.

Paper: Kazemnejad et al. 2023, arXiv:2305.19466 (NoPE); Haviv et al. 2022, arXiv:2203.16634.
"""

from typing import ClassVar

from torch import Tensor, nn

from partbench.core.roles import Role
from partbench.parts.flow import Flow
from partbench.parts.shapes import Heads, Keys, Positions, Stream


class NoPosition(nn.Module):
    """Adds nothing anywhere. Cost: none."""

    PROVIDES = ("left_padding",)
    ROLES: ClassVar[dict[str, Role]] = {}
    longest: int | None = None

    def stream(self, x: Stream, flow: Flow) -> Stream:
        """The stream as it is."""
        return x

    def heads(self, x: Heads, flow: Flow) -> Heads:
        """Queries or keys as they are."""
        return x

    def scores(self, queries: Positions, keys: Keys) -> Tensor | None:
        """Nothing."""
        return None

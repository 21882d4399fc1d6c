"""DeepNorm: N(alpha h + F(h)), post-norm whose carry outweighs each of the many sublayers.

Paper: Wang et al. 2022, arXiv:2203.00555, decoder only: alpha = (2 depth)^(1/4).
Differs: the paper also scales the starting values of value, output and feed-forward maps by
(8 depth)^(-1/4); starting values are the slot `init`'s, so that pairs share them.
"""

from collections.abc import Callable
from typing import ClassVar

from torch import nn

from partbench.core.dims import Dims
from partbench.core.roles import Role
from partbench.parts.shapes import Stream


class DeepNorm(nn.Module):
    """h <- N_l(alpha h + F_l(h)); the head reads h. No norm before the first sublayer or the head.

    Cost: no parameters but its norms', one a sublayer.
    """

    ROLES: ClassVar[dict[str, Role]] = {}

    def __init__(self, dims: Dims, norm: Callable[..., nn.Module]) -> None:
        super().__init__()
        self.norms = nn.ModuleList(norm(width=dims.width) for _ in range(dims.num_sublayers))
        self.alpha = dims.num_sublayers**0.25

    def begin(self, x: Stream) -> Stream:
        """The stream is the state."""
        return x

    def read(self, sublayer: int, state: Stream) -> tuple[Stream, Stream]:
        """The stream as it is."""
        return state, state

    def write(self, sublayer: int, state: Stream, output: Stream) -> Stream:
        """The normed sum."""
        return self.norms[sublayer](self.alpha * state + output)

    def end(self, state: Stream) -> Stream:
        """The stream as it is."""
        return state

"""Post-norm: N(x + F(x)), the first Transformer's order. Deep stacks need a long warm-up.

Paper: Vaswani et al. 2017, arXiv:1706.03762; why it is harder: Xiong et al. 2020, arXiv:2002.04745.
"""

from collections.abc import Callable
from typing import ClassVar

from torch import nn

from partbench.core.dims import Dims
from partbench.core.roles import Role
from partbench.parts.shapes import Stream


class PostNorm(nn.Module):
    """h <- N_l(h + F_l(h)); the head reads h. No norm before the first sublayer or the head.

    Cost: no parameters but its norms', one a sublayer.
    """

    ROLES: ClassVar[dict[str, Role]] = {}

    def __init__(self, dims: Dims, norm: Callable[..., nn.Module]) -> None:
        super().__init__()
        self.norms = nn.ModuleList(norm(width=dims.width) for _ in range(dims.num_sublayers))

    def begin(self, x: Stream) -> Stream:
        """The stream is the state."""
        return x

    def read(self, sublayer: int, state: Stream) -> tuple[Stream, Stream]:
        """The stream as it is."""
        return state, state

    def write(self, sublayer: int, state: Stream, output: Stream) -> Stream:
        """The normed sum."""
        return self.norms[sublayer](state + output)

    def end(self, state: Stream) -> Stream:
        """The stream as it is."""
        return state

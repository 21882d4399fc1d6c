"""Pre-norm: x + F(N(x)), and one more norm before the head.

Paper: Xiong et al. 2020, arXiv:2002.04745; He et al. 2016, arXiv:1603.05027 for the order.
"""

from collections.abc import Callable
from typing import ClassVar

from torch import nn

from partbench.core.dims import Dims
from partbench.core.roles import Role
from partbench.parts.shapes import Stream


class PreNorm(nn.Module):
    """h <- h + F_l(N_l(h));  the head reads N(h). The plain residual.

    Cost: no parameters but its norms', one a sublayer and one before the head.
    """

    ROLES: ClassVar[dict[str, Role]] = {}

    def __init__(self, dims: Dims, norm: Callable[..., nn.Module]) -> None:
        super().__init__()
        self.norms = nn.ModuleList(norm(width=dims.width) for _ in range(dims.num_sublayers))
        self.final = norm(width=dims.width)

    def begin(self, x: Stream) -> Stream:
        """The stream is the state."""
        return x

    def read(self, sublayer: int, state: Stream) -> tuple[Stream, Stream]:
        """The normed stream."""
        return self.norms[sublayer](state), state

    def write(self, sublayer: int, state: Stream, output: Stream) -> Stream:
        """The sum."""
        return state + output

    def end(self, state: Stream) -> Stream:
        """The normed stream."""
        return self.final(state)

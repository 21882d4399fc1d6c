"""Orthogonal updates: a sublayer writes only what is orthogonal to the stream it writes to.

    h <- h + y - p h,   p = <h, y> / (<h, h> + eps),   y = F_l(N_l(h)),  for each token

Then <h, y - p h> = 0 and |h|^2 grows by exactly |y - p h|^2: the stream can never shrink.
Paper: Oh et al. 2025, arXiv:2505.11881 (feature-wise form). Does not start at pre-norm: the part of
y along h is dropped.
"""

from collections.abc import Callable
from typing import ClassVar

from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.ranges import NotNegative
from partbench.core.roles import Role
from partbench.parts.shapes import Stream


class Orthogonal(nn.Module):
    """The plain residual less what lies along the stream.

    Settings: eps beside <h, h>, as in the paper's code.
    Cost: no parameters but its norms'; two dot products and one more sum a token and sublayer.
    """

    ROLES: ClassVar[dict[str, Role]] = {}

    def __init__(
        self, dims: Dims, norm: Callable[..., nn.Module], *, eps: NotNegative = 1e-6
    ) -> None:
        super().__init__()
        self.norms = nn.ModuleList(norm(width=dims.width) for _ in range(dims.num_sublayers))
        self.final = norm(width=dims.width)
        self.eps = eps

    def begin(self, x: Stream) -> Stream:
        """The stream is the state."""
        return x

    def read(self, sublayer: int, state: Stream) -> tuple[Stream, Stream]:
        """The normed stream."""
        return self.norms[sublayer](state), state

    def write(self, sublayer: int, state: Stream, output: Stream) -> Stream:
        """The stream plus the output's orthogonal part."""
        output = output.to(state.dtype)  # dot products in float32
        p = dot(state, output) / (dot(state, state) + self.eps)
        return state + output - p * state

    def end(self, state: Stream) -> Stream:
        """The normed stream."""
        return self.final(state)


def dot(one: Tensor, other: Tensor) -> Tensor:
    """<one, other> of each token [batch, time, 1]."""
    return (one * other).sum(-1, keepdim=True)

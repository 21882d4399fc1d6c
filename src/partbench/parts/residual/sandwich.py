"""Sandwich norm, as in Peri-LN: a norm before and another after each sublayer.

    h <- h + M_l(F_l(N_l(h)))

Papers: Ding et al. 2021, arXiv:2105.13290 (sandwich); Kim et al. 2025, arXiv:2502.02732 (Peri-LN).
Differs: Peri-LN also norms the embedding, which is the embedding slot's.
Trap: an output map that starts at zero would be normed as 0 / 0; none here does.
"""

from collections.abc import Callable
from typing import ClassVar

from torch import nn

from partbench.core.dims import Dims
from partbench.core.roles import Role
from partbench.parts.shapes import Stream


class Sandwich(nn.Module):
    """The plain residual whose every write is normed; the head reads a norm of the stream.

    Starts elsewhere than pre-norm: each sublayer writes vectors of size 1 a channel.
    Cost: no parameters but its norms', two a sublayer and one before the head.
    """

    ROLES: ClassVar[dict[str, Role]] = {}

    def __init__(self, dims: Dims, norm: Callable[..., nn.Module]) -> None:
        super().__init__()
        count = dims.num_sublayers
        self.norms = nn.ModuleList(norm(width=dims.width) for _ in range(count))
        self.afters = nn.ModuleList(norm(width=dims.width) for _ in range(count))
        self.final = norm(width=dims.width)
        self.depth_ratio = dims.depth_ratio

    def begin(self, x: Stream) -> Stream:
        """The stream is the state."""
        return x

    def read(self, sublayer: int, state: Stream) -> tuple[Stream, Stream]:
        """The normed stream."""
        return self.norms[sublayer](state), state

    def write(self, sublayer: int, state: Stream, output: Stream) -> Stream:
        """The stream plus the normed output, divided where `dims.transfer` divides by depth.

        The model divides the output too, which the norm takes away again.
        """
        written = self.afters[sublayer](output)
        return state + (written if self.depth_ratio == 1 else written / self.depth_ratio)

    def end(self, state: Stream) -> Stream:
        """The normed stream."""
        return self.final(state)

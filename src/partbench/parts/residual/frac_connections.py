"""Frac-connections: hyper-connections between m pieces of one stream instead of m streams.

    h = (h_1 .. h_m), pieces of width C / m;   u_l = N_l(concat_k sum_j A_l,kj h_j)
    h_i <- sum_j R_l,ij h_j + b_li y_i,   y = F_l(u_l) cut into the same pieces

Paper: Zhu et al. 2025, arXiv:2503.14125, the static form.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.errors import ConfigError
from partbench.core.ranges import Count
from partbench.core.roles import Role
from partbench.parts.shapes import Stream


class FracConnections(nn.Module):
    """m pieces; learned [sublayer, m, m]: reads A, carries R; writes b [sublayer, m].

    Starts exactly at pre-norm: A = R = identity, b = 1. The pieces differ from the start.
    Cost: sublayers * m (2m + 1) parameters; 2 (2m + 1) width FLOPs a token and sublayer; no memory.
    """

    ROLES = {"reads": Role.MIXING, "writes": Role.MIXING, "carries": Role.MIXING}

    def __init__(self, dims: Dims, norm: Callable[..., nn.Module], *, pieces: Count = 4) -> None:
        super().__init__()
        if dims.width % pieces:
            divisors = [m for m in range(1, dims.width + 1) if dims.width % m == 0]
            near = min(divisors, key=lambda m: abs(m - pieces))
            raise ConfigError(
                f"residual.pieces: {pieces} does not divide width {dims.width}; "
                f"the nearest that does is {near}"
            )
        count = dims.num_sublayers
        self.norms = nn.ModuleList(norm(width=dims.width) for _ in range(count))
        self.final = norm(width=dims.width)
        self.reads = nn.Parameter(torch.eye(pieces).repeat(count, 1, 1))
        self.writes = nn.Parameter(torch.ones(count, pieces))
        self.carries = nn.Parameter(torch.eye(pieces).repeat(count, 1, 1))
        self.pieces, self.dims = pieces, dims

    def begin(self, x: Stream) -> Stream:
        """The stream is the state; its pieces lie side by side."""
        return x

    def read(self, sublayer: int, state: Stream) -> tuple[Stream, Stream]:
        """The normed stream of mixed pieces."""
        return self.norms[sublayer](_mixed(self.reads[sublayer], state)), state

    def write(self, sublayer: int, state: Stream, output: Stream) -> Stream:
        """The pieces mixed among themselves, plus the output's pieces, each at its weight."""
        gains = self.writes[sublayer].repeat_interleave(self.dims.width // self.pieces)
        return _mixed(self.carries[sublayer], state) + gains * output

    def end(self, state: Stream) -> Stream:
        """The normed stream."""
        return self.final(state)

    def streams(self, state: Stream) -> Tensor:
        """The pieces [batch, time, m, width / m], for probes."""
        return state.unflatten(-1, (self.pieces, -1))

    def carry(self, sublayer: int, state: Stream) -> Tensor:
        """R_l [m, m], for probes."""
        return self.carries[sublayer]

    def extra_flops(self) -> int:
        """m to read a piece's channel, m to carry it, 1 to write."""
        each = 2 * (2 * self.pieces + 1) * self.dims.width
        return each * self.dims.num_sublayers * self.dims.context


def _mixed(weights: Tensor, x: Stream) -> Stream:
    """weights [m, m] between the pieces of x, in float32 as the plain stream."""
    with torch.autocast(x.device.type, enabled=False):
        return (weights @ x.unflatten(-1, (len(weights), -1))).flatten(-2)

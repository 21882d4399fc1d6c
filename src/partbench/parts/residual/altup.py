"""AltUp: n blocks, each sublayer works on one; the others are predicted and then corrected.

    j = l mod n;   p = P_l h;   y~ = h_j + F_l(N_l(h_j));   h_i <- p_i + g_li (y~ - p_j)

That is static hyper-connections with a = e_j, b = g and R = P + g (x) (e_j - P_j). Paper: Baykal et
al. 2023, arXiv:2301.13310. Differs: Recycled-AltUp, the embedding is repeated n times instead of
being n times as wide; the head reads the mean of the blocks.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.ranges import Count
from partbench.core.roles import Role
from partbench.parts.residual import lazy
from partbench.parts.residual.lazy import Lazy
from partbench.parts.shapes import Stream


class AltUp(nn.Module):
    """n blocks; learned: predictors P [sublayer, n, n], correctors g [sublayer, n].

    Starts exactly at pre-norm: P = identity, g = 1, all blocks equal.
    Cost: sublayers * n (n + 1) parameters; else as hyper_connections.
    """

    ROLES = {"predictors": Role.MIXING, "correctors": Role.MIXING}

    def __init__(self, dims: Dims, norm: Callable[..., nn.Module], *, streams: Count = 2) -> None:
        super().__init__()
        count = dims.num_sublayers
        self.dims = dims
        self.norms = nn.ModuleList(norm(width=dims.width) for _ in range(count))
        self.final = norm(width=dims.width)
        self.predictors = nn.Parameter(torch.eye(streams).repeat(count, 1, 1))
        self.correctors = nn.Parameter(torch.ones(count, streams))

    def begin(self, x: Stream) -> Lazy:
        """All blocks equal."""
        count, n = self.correctors.shape
        active = torch.arange(count, device=x.device) % n
        reads = torch.eye(n, dtype=self.correctors.dtype, device=x.device)[active]
        predicted = self.predictors[torch.arange(count, device=x.device), active]  # [count, n]
        carries = self.predictors + self.correctors.unsqueeze(2) * (reads - predicted).unsqueeze(1)
        return lazy.begin(x, reads, self.correctors, carries)

    def read(self, sublayer: int, state: Lazy) -> tuple[Stream, Lazy]:
        """The normed block whose turn it is."""
        block, state = lazy.read(sublayer, state)
        return self.norms[sublayer](block), state

    def write(self, sublayer: int, state: Lazy, output: Stream) -> Lazy:
        """All blocks predicted, then corrected."""
        return lazy.write(sublayer, state, output)

    def end(self, state: Lazy) -> Stream:
        """The normed mean of the blocks."""
        return self.final(lazy.end(state))

    def streams(self, state: Lazy) -> Tensor:
        """The blocks [batch, time, n, width], for probes."""
        return lazy.streams(state)

    def carry(self, sublayer: int, state: Lazy) -> Tensor:
        """R_l [n, n], for probes."""
        return state.maps.carries[sublayer]

    def extra_flops(self) -> int:
        """The weighted sums."""
        return (
            lazy.flops(self.dims.num_sublayers, self.correctors.shape[1], self.dims.width)
            * self.dims.context
        )

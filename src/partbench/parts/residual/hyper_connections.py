"""Static hyper-connections: n residual streams, mixed by small learned matrices at each sublayer.

    u_l = N_l(sum_j a_lj h_j);   h_i <- sum_j R_l,ij h_j + b_li F_l(u_l)

R_ij is the weight of OLD stream j in NEW stream i. Paper: Zhu et al. 2024, arXiv:2409.19606.
Differs: the head reads the mean of the streams, not their sum (the final norm removes the factor n,
and with the mean exactly so whatever its eps); the paper's sqrt(n) on output maps is left out.
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


class HyperConnections(nn.Module):
    """n streams; learned: read a [sublayer, n], write b [sublayer, n], carry R [sublayer, n, n].

    Starts exactly at pre-norm: streams equal, a = one-hot at (sublayer mod n), which also breaks
    the symmetry between streams; b = 1; R = identity. No weight decay on these.
    Cost: sublayers * n (n + 2) parameters; a weighted sum of at most 13 streams a sublayer, 2 width
    FLOPs each; one stream a sublayer more in memory than the plain residual (lazy.py).
    """

    ROLES = {"reads": Role.MIXING, "writes": Role.MIXING, "carries": Role.MIXING}

    def __init__(self, dims: Dims, norm: Callable[..., nn.Module], *, streams: Count = 4) -> None:
        super().__init__()
        count = dims.num_sublayers
        self.norms = nn.ModuleList(norm(width=dims.width) for _ in range(count))
        self.final = norm(width=dims.width)
        self.reads = nn.Parameter(torch.eye(streams)[torch.arange(count) % streams])
        self.writes = nn.Parameter(torch.ones(count, streams))
        self.carries = nn.Parameter(torch.eye(streams).repeat(count, 1, 1))
        self.dims = dims

    def begin(self, x: Stream) -> Lazy:
        """All streams equal."""
        return lazy.begin(x, self.reads, self.writes, self.carries)

    def read(self, sublayer: int, state: Lazy) -> tuple[Stream, Lazy]:
        """The normed mix of the streams."""
        mixed, state = lazy.read(sublayer, state)
        return self.norms[sublayer](mixed), state

    def write(self, sublayer: int, state: Lazy, output: Stream) -> Lazy:
        """The streams mixed among themselves, plus the output at each stream's weight."""
        return lazy.write(sublayer, state, output)

    def end(self, state: Lazy) -> Stream:
        """The normed mean of the streams."""
        return self.final(lazy.end(state))

    def streams(self, state: Lazy) -> Tensor:
        """The streams [batch, time, n, width], for probes."""
        return lazy.streams(state)

    def carry(self, sublayer: int, state: Lazy) -> Tensor:
        """R_l [n, n], for probes."""
        return state.maps.carries[sublayer]

    def extra_flops(self) -> int:
        """The weighted sums."""
        return (
            lazy.flops(self.dims.num_sublayers, self.reads.shape[1], self.dims.width)
            * self.dims.context
        )

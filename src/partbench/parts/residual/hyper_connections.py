"""Static hyper-connections: n residual streams, mixed by small learned matrices at each sublayer.

    u_l = N_l(sum_j a_lj h_j);   h_i <- sum_j R_l,ij h_j + b_li F_l(u_l)

R_ij is the weight of OLD stream j in NEW stream i. Paper: Zhu et al. 2024, arXiv:2409.19606.
Differs: the head reads the mean of the streams, not their sum (the final norm removes the factor n,
and with the mean exactly so whatever its eps); the paper's sqrt(n) on output maps is left out.
"""

from collections.abc import Callable

import torch
from torch import nn

from partbench.core.dims import Dims
from partbench.core.ranges import Count
from partbench.core.roles import Role
from partbench.parts.shapes import Stream


class HyperConnections(nn.Module):
    """n streams; learned: read a [sublayer, n], write b [sublayer, n], carry R [sublayer, n, n].

    Starts exactly at pre-norm: streams equal, a = one-hot at (sublayer mod n), which also breaks
    the symmetry between streams; b = 1; R = identity. No weight decay on these.
    Cost: sublayers * n (n + 2) parameters; 2 n (n + 2) width FLOPs a sublayer and token; n times
    the memory of the stream.
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
        self.streams = streams
        self.dims = dims

    def begin(self, x: Stream) -> torch.Tensor:
        """The streams [n, batch, time, width], all equal."""
        return x.expand(self.streams, *x.shape)

    def read(self, sublayer: int, state: torch.Tensor) -> tuple[Stream, torch.Tensor]:
        """The normed mix of the streams."""
        return self.norms[sublayer](_mix(self.reads[sublayer], state)), state

    def write(self, sublayer: int, state: torch.Tensor, output: Stream) -> torch.Tensor:
        """The streams mixed among themselves, plus the output at each stream's weight."""
        carried = _mix(self.carries[sublayer], state)
        return carried + self.writes[sublayer].view(-1, 1, 1, 1) * output

    def end(self, state: torch.Tensor) -> Stream:
        """The normed mean of the streams."""
        return self.final(state.mean(0))

    def extra_flops(self) -> int:
        """Two for each weight and channel: n to read, n to write, n^2 to carry."""
        weights = self.dims.num_sublayers * self.streams * (self.streams + 2)
        return 2 * weights * self.dims.width * self.dims.context


def _mix(weights: torch.Tensor, streams: torch.Tensor) -> torch.Tensor:
    """weights [..., n] times streams [n, batch, time, width].

    Autocast would round the carried streams at every sublayer; a plain residual keeps float32.
    """
    with torch.autocast(streams.device.type, enabled=False):
        return (weights @ streams.flatten(1)).view(*weights.shape[:-1], *streams.shape[1:])

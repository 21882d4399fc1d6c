"""Static manifold-constrained hyper-connections: streams carried by doubly stochastic matrices.

    u_l = N_l(a_l h);   h <- R_l h + b_l F_l(u_l);   R_l = carry(z_l), by default Sinkhorn's

Gates: sigmoid a = s(z), b = 2 s(z), or softmax a = softmax(z), b = n softmax(z).
Paper: Xie et al. 2025, arXiv:2512.24880, without the part that depends on the token.
Differs: starts exactly at pre-norm (a sums to one, b = 1, rows of R sum to one) where the paper is
silent; Sinkhorn runs to a tolerance, with the derivative of what it solves (carries/); the head
reads the mean of the streams.
"""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.ranges import Count
from partbench.core.roles import Role
from partbench.parts.residual import lazy
from partbench.parts.residual.carries import CARRIES, halved
from partbench.parts.residual.gates import gated_reads, gated_writes, read_logits
from partbench.parts.residual.lazy import Lazy
from partbench.parts.shapes import Stream


class MHC(nn.Module):
    """n streams; learned: logits of reads and writes [sublayer, n] and the numbers of the carries.

    Settings: streams n; carry, the map that makes R (carries/, one a file); gates.
    At the start what streams differ by halves over the depth, and stream (sublayer mod n) has .9 of
    the read, so that no two streams stay equal. No weight decay.
    R_l of all sublayers are made in one batch, by Sinkhorn once an optimiser step.
    Cost: sublayers * (2 n + n^2) parameters with Sinkhorn; else as hyper_connections.
    """

    ROLES = {"reads": Role.MIXING, "writes": Role.MIXING, "carries": Role.MIXING}

    def __init__(
        self,
        dims: Dims,
        norm: Callable[..., nn.Module],
        *,
        streams: Count = 4,
        carry: Literal[
            "sinkhorn",
            "permutations",
            "kronecker",
            "orthostochastic",
            "newton_schulz",
            "cayley",
            "identity",
            "identity_mix",
        ] = "sinkhorn",
        gates: Literal["sigmoid", "softmax"] = "sigmoid",
    ) -> None:
        super().__init__()
        count = dims.num_sublayers
        self.norms = nn.ModuleList(norm(width=dims.width) for _ in range(count))
        self.final = norm(width=dims.width)
        self.map, self.gates, self.n, self.dims = CARRIES[carry], gates, streams, dims
        self.reads = nn.Parameter(read_logits(count, streams, gates))
        self.writes = nn.Parameter(torch.zeros(count, streams))
        numbers = self.map.start(streams, halved(count)).repeat(count, 1)
        self.carries = nn.Parameter(numbers) if numbers.numel() else None
        self.found: Tensor | None = None

    def before_step(self, step: int, steps: int) -> None:
        """Solve for the maps once, for all micro-batches of the step."""
        if self.map.solve is not None and self.carries is not None:
            self.found = self.map.solve(self.carries.detach(), self.n)

    def after_step(self, step: int, steps: int) -> None:
        """The parameters have moved."""
        self.found = None

    def begin(self, x: Stream) -> Lazy:
        """All streams equal; every sublayer's matrices."""
        with torch.autocast(x.device.type, enabled=False):
            numbers = self.writes[:, :0] if self.carries is None else self.carries
            carries = self.map.matrix(numbers, self.n, self.found)
            reads = gated_reads(self.reads, self.gates)
            writes = gated_writes(self.writes, self.gates)
        return lazy.begin(x, reads, writes, carries)

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
        return lazy.flops(self.dims.num_sublayers, self.n, self.dims.width) * self.dims.context

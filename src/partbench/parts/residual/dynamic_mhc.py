"""Dynamic manifold-constrained hyper-connections: each token chooses how its n streams mix.

    z = (vec(h) phi_l) / rms(vec(h));   a = gate(s_a z_a + c_a),   b = gate(s_b z_b + c_b)
    R = carry(s_R z_R + c_R);   u = N_l(a h);   h <- R h + b F_l(u)

Paper: Xie et al. 2025, arXiv:2512.24880. Differs: phi starts at zero and the constants so that the
start is pre-norm; Sinkhorn runs to a tolerance with the derivative of what it solves (carries/);
the gain of the norm on vec(h) is left in phi; the head reads the mean of the streams.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.ranges import Count, Positive
from partbench.core.roles import Role
from partbench.parts.residual.carries import CARRIES, halved
from partbench.parts.residual.gates import gated_reads, gated_writes, read_logits
from partbench.parts.residual.mixing import mixed, spread
from partbench.parts.shapes import Stream


class State(NamedTuple):
    """Streams [batch, time, n, width]; what `read` decided for the write that follows."""

    streams: Tensor
    writes: Tensor  # [batch, time, n]
    carry: Tensor  # [batch, time, new, old]


class DynamicMHC(nn.Module):
    """n streams, mixed by matrices that depend on the token.

    Settings: streams n; carry, the map that makes R (carries/, one a file); gates; scale, where the
    three s of a sublayer begin.
    Cost: sublayers * (n width + 1) (n^2 + 2n) + 3 parameters with Sinkhorn, 192 width a layer for
    n = 4; as many FLOPs twice a token, and 2 n (n + 2) width to mix; n times the stream's memory.
    """

    ROLES = {"maps": Role.MIXING, "constants": Role.MIXING, "scales": Role.SCALAR}

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
        scale: Positive = 0.01,
    ) -> None:
        super().__init__()
        count = dims.num_sublayers
        self.norms = nn.ModuleList(norm(width=dims.width) for _ in range(count))
        self.final = norm(width=dims.width)
        self.map, self.gates, self.n, self.dims = CARRIES[carry], gates, streams, dims
        self.sizes = [streams, streams, self.map.size(streams)]
        start = [
            read_logits(count, streams, gates),
            torch.zeros(count, streams),
            self.map.start(streams, halved(count)).repeat(count, 1),
        ]
        self.constants = nn.Parameter(torch.cat(start, dim=1))
        self.maps = nn.Parameter(torch.zeros(count, streams * dims.width, sum(self.sizes)))
        kinds = 3 if self.sizes[2] else 2
        self.scales = nn.Parameter(torch.full((count, kinds), scale))

    def begin(self, x: Stream) -> State:
        """All streams equal."""
        streams = x.unsqueeze(2).expand(-1, -1, self.n, -1)
        return State(streams, streams[..., 0], streams[..., :0])

    def read(self, sublayer: int, state: State) -> tuple[Stream, State]:
        """The normed mix; the state remembers how to write back."""
        streams = state.streams
        with torch.autocast(streams.device.type, enabled=False):  # coefficients keep float32
            flat = streams.flatten(2)
            size = flat.square().mean(-1, keepdim=True).add(1e-20).sqrt()
            scales = [s.expand(k) for s, k in zip(self.scales[sublayer], self.sizes, strict=False)]
            z = flat @ self.maps[sublayer] / size * torch.cat(scales) + self.constants[sublayer]
            reads, writes, numbers = z.split(self.sizes, dim=-1)
            carry = self.map.matrix(numbers, self.n)
            u = mixed(gated_reads(reads, self.gates), streams)
            state = State(streams, gated_writes(writes, self.gates), carry)
        return self.norms[sublayer](u), state

    def write(self, sublayer: int, state: State, output: Stream) -> State:
        """The streams mixed among themselves, plus the output at each stream's weight."""
        return state._replace(streams=spread(state.carry, state.streams, state.writes, output))

    def end(self, state: State) -> Stream:
        """The normed mean of the streams."""
        return self.final(state.streams.mean(2))

    def streams(self, state: State) -> Tensor:
        """The streams [batch, time, n, width], for probes."""
        return state.streams

    def carry(self, sublayer: int, state: State) -> Tensor:
        """R of the sublayer that was read last [batch, time, n, n], for probes."""
        return state.carry

    def extra_flops(self) -> int:
        """phi, then n reads, n writes and n^2 carries of a width."""
        n, width = self.n, self.dims.width
        each = 2 * n * width * sum(self.sizes) + 2 * n * (n + 2) * width
        return each * self.dims.num_sublayers * self.dims.context

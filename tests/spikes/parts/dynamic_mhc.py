"""Dynamic manifold-constrained hyper-connections: each token chooses how its n streams mix.

    z = (vec(h) phi_l) / rms(vec(h));   a = sigma(s z_a + c_a);   b = 2 sigma(s z_b + c_b)
    R = Sinkhorn(s mat(z_R) + c_R);     u = N_l(a h);   h <- R h + b F_l(u)

Paper: Xie et al. 2025, arXiv:2512.24880. Sinkhorn in the log domain, rows last, unrolled.
Differs: phi starts at zero and the constants so that the start is pre-norm (sum of a is 1, b is 1,
R doubly stochastic and near the identity); the head reads the mean of the streams.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.ranges import Count, Positive
from partbench.core.roles import Role
from partbench.parts.shapes import Stream


class State(NamedTuple):
    """Streams [batch, time, n, width]; what `read` decided for the write that follows."""

    streams: Tensor
    writes: Tensor | None = None  # [batch, time, n]
    carry: Tensor | None = None  # [batch, time, new, old]


class DynamicMHC(nn.Module):
    """n streams, mixed by doubly stochastic matrices that depend on the token.

    Settings: streams n; iterations of Sinkhorn; scale, where the three s of a sublayer begin.
    Cost: sublayers * (n width + 1) (n^2 + 2n) + 3 parameters; n times the stream's memory.
    """

    ROLES = {"maps": Role.MIXING, "constants": Role.MIXING, "scales": Role.SCALAR}

    def __init__(
        self,
        dims: Dims,
        norm: Callable[..., nn.Module],
        *,
        streams: Count = 4,
        iterations: Count = 20,
        scale: Positive = 0.01,
    ) -> None:
        super().__init__()
        count, n = dims.num_sublayers, streams
        self.norms = nn.ModuleList(norm(width=dims.width) for _ in range(count))
        self.final = norm(width=dims.width)
        self.maps = nn.Parameter(torch.zeros(count, n * dims.width, n * (n + 2)))
        self.scales = nn.Parameter(torch.full((count, 3), scale))
        self.constants = nn.Parameter(_start(count, n))
        self.streams, self.iterations, self.dims = n, iterations, dims

    def begin(self, x: Stream) -> State:
        """All streams equal."""
        return State(x.unsqueeze(2).repeat(1, 1, self.streams, 1))

    def read(self, sublayer: int, state: State) -> tuple[Stream, State]:
        """The normed mix; the state remembers how to write back."""
        n, streams = self.streams, state.streams
        with torch.autocast(streams.device.type, enabled=False):  # coefficients keep float32
            flat = streams.flatten(2)
            size = flat.square().mean(-1, keepdim=True).add(1e-20).sqrt()
            scale = self.scales[sublayer].repeat_interleave(torch.tensor([n, n, n * n]))
            z = flat @ self.maps[sublayer] / size * scale + self.constants[sublayer]
            reads, writes, carry = z.split([n, n, n * n], dim=-1)
            carry = sinkhorn(carry.unflatten(-1, (n, n)), self.iterations)
            mixed = (reads.sigmoid().unsqueeze(2) @ streams).squeeze(2)
        u = self.norms[sublayer](mixed)
        return u, State(streams, 2 * writes.sigmoid(), carry)

    def write(self, sublayer: int, state: State, output: Stream) -> State:
        """The streams mixed among themselves, plus the output at each stream's weight."""
        assert state.carry is not None
        assert state.writes is not None
        with torch.autocast(output.device.type, enabled=False):
            carried = state.carry @ state.streams
            return State(carried + state.writes.unsqueeze(-1) * output.unsqueeze(2))

    def end(self, state: State) -> Stream:
        """The normed mean of the streams."""
        return self.final(state.streams.mean(2))

    def extra_flops(self) -> int:
        """phi, then n reads, n writes and n^2 carries of a width."""
        n, width = self.streams, self.dims.width
        each = 2 * n * width * n * (n + 2) + 2 * n * (n + 2) * width
        return each * self.dims.num_sublayers * self.dims.context


def sinkhorn(logits: Tensor, iterations: int) -> Tensor:
    """The doubly stochastic matrix near exp(logits) [..., row, column]; rows sum to one exactly."""
    for _ in range(iterations):
        logits = logits - logits.logsumexp(-2, keepdim=True)
        logits = logits - logits.logsumexp(-1, keepdim=True)
    return logits.exp()


def _start(count: int, n: int) -> Tensor:
    """Constants [sublayer, n + n + n^2]: pre-norm while all streams are equal."""
    if n == 1:
        return torch.tensor([[40.0, 0.0, 0.0]]).repeat(count, 1)
    main = torch.eye(n)[torch.arange(count) % n]  # breaks the symmetry between streams
    share = main * 0.9 + (1 - main) * 0.1 / (n - 1)
    apart = (1 - 2 ** (-1 / count)) * (n - 1) / n  # |second eigenvalue|^sublayers = 1/2
    diagonal = math.log((n - 1) * (1 - apart) / apart) * torch.eye(n).flatten()
    return torch.cat([share.logit(), torch.zeros(count, n), diagonal.repeat(count, 1)], dim=1)

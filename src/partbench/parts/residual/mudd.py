"""Multiway dynamic dense connections: query, key, value and stream each mix all layers, per token.

    c = W2 gelu(W1 rms(X_i)) + b;   x_w = sum_j c_wj X_j  for w = query, key, value, residual
    h = x_residual + A(N(x_query), N(x_key), N(x_value));   X_(i+1) = h + F(N(h))

Paper: Xiao et al. 2025, arXiv:2502.12170. W2 = 0 and b one-hot on the newest: starts at pre-norm.
Its `read` hands the mixer three streams, so the mixer must take three.
"""

from collections.abc import Callable
from typing import ClassVar, NamedTuple, cast

import torch
from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.ranges import Count
from partbench.core.roles import Role
from partbench.parts.residual.mixing import mixed
from partbench.parts.shapes import Reads, Stream

WAYS = 4


class State(NamedTuple):
    """The embedding and every layer's answer so far; the stream inside the layer."""

    layers: tuple[Stream, ...]
    inside: Stream


class Coefficients(nn.Module):
    """Per token, `ways` mixes of `count` layers [batch, time, ways, width].

    Cost: width ways count + (ways count)^2 + ways count parameters.
    """

    ROLES: ClassVar[dict[str, Role]] = {
        "down.weight": Role.READ,
        "up": Role.MIXING,
        "start": Role.MIXING,
    }

    def __init__(self, width: int, count: int, ways: int) -> None:
        super().__init__()
        self.down = nn.Linear(width, ways * count, bias=False)
        self.up = nn.Parameter(torch.zeros(ways * count, ways * count))
        self.start = nn.Parameter(torch.eye(count)[-1].repeat(ways))
        self.ways = ways

    def forward(self, layers: tuple[Stream, ...]) -> list[Stream]:
        """One stream a way."""
        newest = nn.functional.rms_norm(layers[-1], layers[-1].shape[-1:], eps=1e-6)
        hidden = nn.functional.gelu(self.down(newest)).to(layers[-1].dtype)
        with torch.autocast(newest.device.type, enabled=False):
            c = (hidden @ self.up.T + self.start).unflatten(-1, (self.ways, len(layers)))
            sources = torch.stack(layers, dim=2)
        return [mixed(c[:, :, way], sources) for way in range(self.ways)]


class MUDD(nn.Module):
    """Dense connections with token-dependent weights: four ways into a layer, one into the head.

    Settings: last, how many of the last reads (layers, and the head) mix; None for all.
    Cost: about 2 width depth^2 parameters for all layers, and as many FLOPs twice a token; keeps
    every layer's stream.
    """

    NEEDS: ClassVar[dict[str, str]] = {"mixer": "reads_three_streams"}
    ROLES: ClassVar[dict[str, Role]] = {}

    def __init__(
        self, dims: Dims, norm: Callable[..., nn.Module], *, last: Count | None = None
    ) -> None:
        super().__init__()
        width, depth = dims.width, dims.depth
        # The first layer has nothing but the embedding to mix; read `depth` is the head's.
        first = 1 if last is None else max(1, depth + 1 - last)
        self.norms = nn.ModuleList(norm(width=width) for _ in range(dims.num_sublayers))
        mixing = range(first, depth)
        self.of_keys = nn.ModuleDict({str(layer): norm(width=width) for layer in mixing})
        self.of_values = nn.ModuleDict({str(layer): norm(width=width) for layer in mixing})
        self.final = norm(width=width)
        self.mixes = nn.ModuleDict(
            {
                str(layer): Coefficients(width, layer + 1, WAYS if layer < depth else 1)
                for layer in range(first, depth + 1)
            }
        )
        self.dims = dims

    def begin(self, x: Stream) -> State:
        """The embedding counts as layer 0."""
        return State((x,), x)

    def read(self, sublayer: int, state: State) -> tuple[Reads, State]:
        """Three normed streams for a mixer whose layer mixes, else one."""
        layer, is_ffn = divmod(sublayer, 2)
        norm = self.norms[sublayer]
        if is_ffn or str(layer) not in self.mixes:
            return norm(state.inside), state
        query, key, value, inside = self.mixes[str(layer)](state.layers)
        of_key, of_value = self.of_keys[str(layer)], self.of_values[str(layer)]
        return (norm(query), of_key(key), of_value(value)), State(state.layers, inside)

    def write(self, sublayer: int, state: State, output: Stream) -> State:
        """The sum, which is a layer's answer where the layer ends."""
        inside = state.inside + output
        return State((*state.layers, inside) if sublayer % 2 else state.layers, inside)

    def end(self, state: State) -> Stream:
        """The normed mix of all layers."""
        (mix,) = self.mixes[str(self.dims.depth)](state.layers)
        return self.final(mix)

    def streams(self, state: State) -> Tensor:
        """The one stream [batch, time, 1, width], for probes."""
        return state.inside.unsqueeze(2)

    def extra_flops(self) -> int:
        """The square maps W2, and each mix of the layers."""
        mixes = [cast(Coefficients, mix) for mix in self.mixes.values()]
        each = [2 * mix.up.numel() + 2 * len(mix.start) * self.dims.width for mix in mixes]
        return sum(each) * self.dims.context

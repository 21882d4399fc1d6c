"""Multiway dynamic dense connections: query, key and value each read their own mix of all layers.

    c = W2 gelu(W1 rms(x_i)) + b;   x_w = sum_j c_wj x_j  for w = query, key, value, residual
    h = x_residual + A(N(x_query), N(x_key), N(x_value));   x_(i+1) = h + F(N(h))

Paper: Xiao et al. 2025, arXiv:2502.12170. W2 = 0 and b one-hot on the newest: starts at pre-norm.
Differs: the last layer's answer is not mixed once more before the head.
Its `read` hands a mixer three streams, so the mixer must take three (three_streams.py).
"""

from collections.abc import Callable
from typing import ClassVar, NamedTuple

import torch
from torch import nn

from partbench.core.dims import Dims
from partbench.core.roles import Role
from partbench.parts.shapes import Stream

WAYS = 4


class State(NamedTuple):
    """The embedding and every layer's answer so far; the stream inside the layer."""

    layers: tuple[Stream, ...]
    inside: Stream


class Coefficients(nn.Module):
    """Per token, WAYS mixes of `count` layers."""

    ROLES = {"down.weight": Role.READ, "up": Role.MIXING, "start": Role.MIXING}

    def __init__(self, width: int, count: int) -> None:
        super().__init__()
        self.down = nn.Linear(width, WAYS * count, bias=False)
        self.up = nn.Parameter(torch.zeros(WAYS * count, WAYS * count))
        self.start = nn.Parameter(torch.eye(count)[-1].repeat(WAYS))

    def forward(self, layers: tuple[Stream, ...]) -> list[Stream]:
        newest = nn.functional.rms_norm(layers[-1], layers[-1].shape[-1:], eps=1e-6)
        c = nn.functional.gelu(self.down(newest)) @ self.up.T + self.start
        c = c.unflatten(-1, (WAYS, len(layers)))
        return [sum(c[..., way, j, None] * x for j, x in enumerate(layers)) for way in range(WAYS)]


class MUDD(nn.Module):
    """Dense connections with token-dependent weights, four ways.

    Cost: about 4 width depth^2 / 2 parameters; 8 width multiply-adds a layer, earlier layer, token.
    """

    PROVIDES = ("three_streams",)
    NEEDS: ClassVar[dict[str, str]] = {"mixer": "reads_three_streams"}
    ROLES: dict[str, Role] = {}

    def __init__(self, dims: Dims, norm: Callable[..., nn.Module]) -> None:
        super().__init__()
        self.ways = nn.ModuleList(
            nn.ModuleList(norm(width=dims.width) for _ in range(3)) for _ in range(dims.depth)
        )
        self.norms = nn.ModuleList(norm(width=dims.width) for _ in range(dims.depth))
        self.final = norm(width=dims.width)
        # The first layer has nothing but the embedding to mix.
        self.mixes = nn.ModuleList(Coefficients(dims.width, i + 1) for i in range(1, dims.depth))
        self.dims = dims

    def begin(self, x: Stream) -> State:
        return State((x,), x)

    def read(self, sublayer: int, state: State) -> tuple[Stream | tuple[Stream, ...], State]:
        layer, is_ffn = divmod(sublayer, 2)
        if is_ffn:
            return self.norms[layer](state.inside), state
        mixed = self.mixes[layer - 1](state.layers) if layer else [state.inside] * WAYS
        three = tuple(norm(x) for norm, x in zip(self.ways[layer], mixed[:3], strict=True))
        return three, State(state.layers, mixed[3])

    def write(self, sublayer: int, state: State, output: Stream) -> State:
        inside = state.inside + output
        return State((*state.layers, inside) if sublayer % 2 else state.layers, inside)

    def end(self, state: State) -> Stream:
        return self.final(state.inside)

    def extra_flops(self) -> int:
        """The square maps W2, and each mix of the layers."""
        counts = range(2, self.dims.depth + 1)
        each = sum(2 * (WAYS * n) ** 2 + 2 * WAYS * n * self.dims.width for n in counts)
        return each * self.dims.context

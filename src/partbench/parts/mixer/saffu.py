"""SAFFU as a mixer: compare with the last K places, then transform the comparisons.

    q_k = u_t . u_(t-k) / width            or, with projections, Q u_t . K u_(t-k) / sqrt(d)
    a = P(q W + beta)  [K], over the places there are;      out = O [sum over k of a_k V u_(t-k)]

Attention transforms vectors and then compares; here W, one [K, K] a head, acts on comparisons, so
place k may be weighed by what is found at place j. Without projections all heads share q.
Paper: Williams and Zhao 2023, arXiv:2311.07510 (abstract and talk; the talk says that it goes
together with projections of queries and keys, which it does not use). Written from these alone; a
patent application exists, US 2026/0111670 A1.
Differs: V and O as in attention, per head; the bias row beta; trained by gradients alone.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.ranges import Count
from partbench.core.roles import Role
from partbench.parts.flow import Flow
from partbench.parts.shapes import Stream


class Cache(NamedTuple):
    """What the last K - 1 places are compared by and give: [batch, head or 1, place, channels]."""

    keys: Tensor
    values: Tensor


class SAFFUMixer(nn.Module):
    """Each head weighs the last `slots` places by their comparisons, together.

    Settings: slots K, the newest place included; projections compares queries and keys, which the
    position part may turn, instead of the stream itself. Scores of the position part are not used.
    Cost: heads (K^2 + K) parameters, beside V and O (and Q, K); FLOPs of attention, for products
    are made densely and the last K picked; cache K - 1 places.
    """

    PROVIDES = ("left_padding",)
    ROLES = {
        "weight": Role.READ,
        "bias": Role.BIAS,
        "value.weight": Role.READ,
        "output.weight": Role.WRITE,
        "query.weight": Role.READ,
        "key.weight": Role.READ,
    }

    def __init__(
        self,
        dims: Dims,
        probability: Callable[[], nn.Module],
        *,
        slots: Count = 16,
        projections: bool = False,
    ) -> None:
        super().__init__()
        inner = dims.num_heads * dims.head_width
        self.weight = nn.Parameter(torch.zeros(dims.num_heads, slots, slots))
        self.bias = nn.Parameter(torch.zeros(dims.num_heads, slots))
        self.value = nn.Linear(dims.width, inner, bias=False)
        self.output = nn.Linear(inner, dims.width, bias=False)
        self.query = nn.Linear(dims.width, inner, bias=False) if projections else None
        self.key = nn.Linear(dims.width, inner, bias=False) if projections else None
        self.probability = probability()
        self.dims, self.slots = dims, slots

    def forward(self, x: Stream, flow: Flow) -> Stream:
        """What is written back to the stream, for whole sequences."""
        return self.step(x, flow, self.begin(x.shape[0], 0))[0]

    def begin(self, batch: int, capacity: int) -> Cache:
        """An empty cache; it never holds more than the last K - 1 places."""
        heads, channels = self.dims.num_heads, self.dims.head_width
        shape = (batch, heads, 0, channels)
        keys = shape if self.key is not None else (batch, 1, 0, self.dims.width)
        return Cache(self.weight.new_zeros(keys), self.weight.new_zeros(shape))

    def step(self, x: Stream, flow: Flow, state: Cache) -> tuple[Stream, Cache]:
        """The next places, against themselves and those in the cache."""
        query, key = self._compared(x, flow)
        value = self.value(x).unflatten(-1, (-1, self.dims.head_width)).transpose(1, 2)
        keys = torch.cat([state.keys.to(key.dtype), key], dim=2)
        values = torch.cat([state.values.to(value.dtype), value], dim=2)
        mixed = self._mixed(query, keys, values, flow)
        kept = max(0, keys.shape[2] - self.slots + 1)
        out = self.output(mixed.transpose(1, 2).flatten(-2))
        return out, Cache(keys[:, :, kept:], values[:, :, kept:])

    def extra_flops(self) -> int:
        """Two dense products of [time, time]: comparisons, once or a head, and pooling a head.

        Of a weight matrix wider than the text is long only a corner is used.
        """
        inner = self.dims.num_heads * self.dims.head_width
        compared = inner if self.key is not None else self.dims.width
        used = min(self.slots, self.dims.context)
        unused = self.dims.num_heads * (self.slots**2 - used**2)
        return 2 * self.dims.context**2 * (compared + inner) - 2 * self.dims.context * unused

    def _compared(self, x: Stream, flow: Flow) -> tuple[Tensor, Tensor]:
        """Scaled queries, and keys: [batch, head or 1, time, channels]."""
        if self.query is None or self.key is None:
            return x.unsqueeze(1) / self.dims.width, x.unsqueeze(1)
        query, key = (
            layer(x).unflatten(-1, (-1, self.dims.head_width)).transpose(1, 2)
            for layer in (self.query, self.key)
        )
        query, key = flow.position.heads(query, flow), flow.position.heads(key, flow)
        return query * self.dims.head_width**-0.5, key

    def _mixed(self, query: Tensor, keys: Tensor, values: Tensor, flow: Flow) -> Tensor:
        """[batch, head, time, head_width]; the last key is that of the last position."""
        number, time = keys.shape[2], query.shape[2]
        slot = torch.arange(min(self.slots, number), device=query.device)
        at = torch.arange(number - time, number, device=query.device)[:, None] - slot
        filled = (flow.places[..., None] - slot >= 0) & (at >= 0)
        if flow.padding is not None:
            filled = filled.unsqueeze(1)  # the same for every head of a row
        at = at.clamp_min(0)
        products = (query @ keys.transpose(-1, -2).to(query.dtype)).to(self.weight.dtype)
        found = products.gather(-1, at.expand(*products.shape[:2], -1, -1)) * filled
        corner = self.weight[:, : slot.shape[0], : slot.shape[0]].transpose(-1, -2)
        scores = found @ corner
        if self.bias is not None:  # a model may do without biases
            scores = scores + self.bias[:, None, : slot.shape[0]]
        weights = self.probability(scores.masked_fill(~filled, -torch.inf)).to(values.dtype)
        dense = weights.new_zeros(*weights.shape[:3], number)
        dense = dense.scatter_add(-1, at.expand_as(weights), weights)
        return dense @ values

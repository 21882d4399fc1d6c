"""Grouped-query attention, MHA and MQA among it: softmax(Q K^T / sqrt(d) + bias) V.

Papers: Vaswani et al. 2017, arXiv:1706.03762; one key-value head for all queries (MQA): Shazeer
2019, arXiv:1911.02150; groups (GQA): Ainslie et al. 2023, arXiv:2305.13245; norm on queries and
keys: Henry et al. 2020, arXiv:2010.04245, here as in Qwen3, per head, before the rotation, one
gain shared by the heads; sliding window: Beltagy et al. 2020, arXiv:2004.05150; capped scores:
Gemma 2, arXiv:2408.00118; output gate: Qiu et al. 2025, arXiv:2505.06708.
"""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.numerics import Numerics
from partbench.core.ranges import Count, Positive
from partbench.core.roles import Role
from partbench.parts.flow import Flow
from partbench.parts.mixer.cache import Cache
from partbench.parts.mixer.scored_sum import ScoredSum
from partbench.parts.narrow import narrowed
from partbench.parts.shapes import Groups, Heads, Reads, Stream


class Attention(nn.Module):
    """O(g * P(cap(Q K^T / sqrt(d))) V) with P the `probability` part, causal.

    `dims.num_heads` query heads share `dims.num_kv_heads` key-value heads: query head h reads
    key-value head h // (num_heads / num_kv_heads).
    Settings: query_key_norm puts the `norm` part on each head's queries and keys; window, how many
    positions a query sees, its own among them (none: all before it); cap, the bound c of scores,
    c tanh(s / c) (Gemma 2: 50); gate, sigmoid(W x) on what each head or each channel of it found;
    scale in place of 1 / sqrt(head_width); bias adds one to the four maps.
    Cost: width * d * (2 num_heads + 2 num_kv_heads) parameters, and num_heads or num_heads * d
    more a channel for the gate; beyond them 4 d time FLOPs a head and token, counted densely as
    counters do; cache 2 num_kv_heads d numbers a token, of the last window - 1 tokens where there
    is a window.
    """

    PROVIDES = ("reads_three_streams", "mixes_values", "left_padding")
    ROLES = {
        "query.weight": Role.READ,
        "key.weight": Role.READ,
        "value.weight": Role.READ,
        "gate.weight": Role.READ,
        "output.weight": Role.WRITE,
        "query.bias": Role.BIAS,
        "key.bias": Role.BIAS,
        "value.bias": Role.BIAS,
        "output.bias": Role.BIAS,
    }

    def __init__(
        self,
        dims: Dims,
        numerics: Numerics,
        norm: Callable[..., nn.Module],
        probability: Callable[[], nn.Module],
        *,
        query_key_norm: bool = False,
        window: Count | None = None,
        cap: Positive | None = None,
        gate: Literal["none", "head", "channel"] = "none",
        scale: Positive | None = None,
        bias: bool = False,
    ) -> None:
        super().__init__()
        inner, shared = dims.num_heads * dims.head_width, dims.num_kv_heads * dims.head_width
        self.query = nn.Linear(dims.width, inner, bias=bias)
        self.key = nn.Linear(dims.width, shared, bias=bias)
        self.value = nn.Linear(dims.width, shared, bias=bias)
        self.output = nn.Linear(inner, dims.width, bias=bias)
        gates = {"none": 0, "head": dims.num_heads, "channel": inner}[gate]
        self.gate = nn.Linear(dims.width, gates, bias=False) if gates else None
        self.query_norm = norm(width=dims.head_width) if query_key_norm else None
        self.key_norm = norm(width=dims.head_width) if query_key_norm else None
        self.sum = ScoredSum(
            numerics, probability, scale=scale or dims.attention_scale, window=window, cap=cap
        )
        self.dims = dims
        self.window = window

    def forward(self, x: Reads, flow: Flow) -> Stream:
        """What is written back to the stream, for whole sequences."""
        query, key, value = self._project(x, flow)
        return self._answer(self.sum(query, key, value, flow, flow.positions), x)

    def begin(self, batch: int, capacity: int) -> Cache:
        """An empty cache for `batch` sequences of at most `capacity` positions."""
        shape = (batch, self.dims.num_kv_heads, capacity, self.dims.head_width)
        return Cache.empty(shape, self.window, self.key.weight)

    def step(self, x: Reads, flow: Flow, state: Cache) -> tuple[Stream, Cache]:
        """The next positions, against all that are in the cache, which may be written in place."""
        query, key, value = self._project(x, flow)
        keys, values, state = state.extended(key, value)
        past = torch.arange(state.length - keys.shape[2], state.length, device=keys.device)
        return self._answer(self.sum(query, keys, values, flow, past), x), state

    def extra_flops(self) -> int:
        """Two products of [time, time] a head: 4 time^2 d, not halved for the causal mask."""
        return 4 * self.dims.context**2 * self.dims.num_heads * self.dims.head_width

    def _project(self, x: Reads, flow: Flow) -> tuple[Heads, Groups, Groups]:
        three = x if isinstance(x, tuple) else (narrowed(x),) * 3
        maps = (self.query, self.key, self.value)
        query, key, value = (
            layer(stream).unflatten(-1, (-1, self.dims.head_width)).transpose(1, 2)
            for layer, stream in zip(maps, three, strict=True)
        )
        if flow.values is not None:
            value = flow.values(value, flow)
        if self.query_norm is not None and self.key_norm is not None:
            query, key = self.query_norm(query), self.key_norm(key)
        if query.shape[2] == 1:  # a token in decoding: one call instead of two
            both = flow.position.heads(torch.cat([query, key], dim=1), flow)
            query, key = both.split([self.dims.num_heads, self.dims.num_kv_heads], dim=1)
        else:
            query, key = flow.position.heads(query, flow), flow.position.heads(key, flow)
        # Under autocast rotation and norms may come back wider than the values are.
        return query.to(value.dtype), key.to(value.dtype), value

    def _answer(self, mixed: Heads, x: Reads) -> Stream:
        found: Tensor = mixed.transpose(1, 2)  # (batch, time, head, head_width)
        if self.gate is not None:
            own = x[0] if isinstance(x, tuple) else x  # of three streams, the query's
            found = found * self.gate(own).sigmoid().unflatten(-1, (self.dims.num_heads, -1))
        return self.output(found.flatten(-2))

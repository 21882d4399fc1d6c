"""Attention with grouped key-value heads: softmax(Q K^T / sqrt(d) + bias) V.

Papers: Vaswani et al. 2017, arXiv:1706.03762; one key-value head for all queries (MQA): Shazeer
2019, arXiv:1911.02150; groups (GQA): Ainslie et al. 2023, arXiv:2305.13245; norm on queries and
keys: Henry et al. 2020, arXiv:2010.04245, here as in Qwen3, per head, before the rotation, one
gain shared by the heads.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.numerics import Numerics
from partbench.core.roles import Role
from partbench.parts.flow import Flow
from partbench.parts.narrow import narrowed
from partbench.parts.shapes import Groups, Heads, Keys, Positions, Stream


class Cache(NamedTuple):
    """Keys (normed and turned) and values [batch, kv_head, capacity, head_width]; length so far."""

    keys: Tensor
    values: Tensor
    length: int


class Attention(nn.Module):
    """O(P(Q K^T / sqrt(d)) V) with P the `probability` part, causal.

    `dims.num_heads` query heads share `dims.num_kv_heads` key-value heads: query head h reads
    key-value head h // (num_heads / num_kv_heads).
    Settings: query_key_norm puts the `norm` part on each head's queries and keys; bias adds one to
    the four maps.
    Cost: width * d * (2 num_heads + 2 num_kv_heads) parameters; beyond them 4 d time FLOPs a head
    and token, counted densely as counters do; cache 2 num_kv_heads d numbers a token.
    """

    ROLES = {
        "query.weight": Role.READ,
        "key.weight": Role.READ,
        "value.weight": Role.READ,
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
        bias: bool = False,
    ) -> None:
        super().__init__()
        inner, shared = dims.num_heads * dims.head_width, dims.num_kv_heads * dims.head_width
        self.query = nn.Linear(dims.width, inner, bias=bias)
        self.key = nn.Linear(dims.width, shared, bias=bias)
        self.value = nn.Linear(dims.width, shared, bias=bias)
        self.output = nn.Linear(inner, dims.width, bias=bias)
        self.query_norm = norm(width=dims.head_width) if query_key_norm else None
        self.key_norm = norm(width=dims.head_width) if query_key_norm else None
        self.probability = probability()
        self.dims = dims
        self.scale = dims.attention_scale
        self.fused = numerics.attention == "fused" and (
            "fused_attention" in getattr(self.probability, "PROVIDES", ())
        )

    def forward(self, x: Stream, flow: Flow) -> Stream:
        """What is written back to the stream, for whole sequences."""
        query, key, value = self._project(x, flow)
        bias = flow.position.scores(flow.positions, flow.positions)
        if self.fused and bias is None:
            mixed = nn.functional.scaled_dot_product_attention(
                query, key, value, is_causal=True, scale=self.scale, enable_gqa=self._grouped
            )
        else:
            mask = self._mask(flow, flow.positions, flow.positions, query)
            mixed = self._explicit(query, key, value, mask if bias is None else mask + bias)
        return self.output(mixed.transpose(1, 2).flatten(-2))

    def begin(self, batch: int, capacity: int) -> Cache:
        """An empty cache for `batch` sequences of at most `capacity` positions."""
        weight = self.key.weight
        shape = (batch, self.dims.num_kv_heads, capacity, self.dims.head_width)
        return Cache(weight.new_zeros(shape), weight.new_zeros(shape), 0)

    def step(self, x: Stream, flow: Flow, state: Cache) -> tuple[Stream, Cache]:
        """The next positions, against all that are in the cache. The cache is written in place."""
        query, key, value = self._project(x, flow)
        length = state.length + x.shape[1]
        state.keys[:, :, state.length : length] = key
        state.values[:, :, state.length : length] = value
        keys, values = state.keys[:, :, :length], state.values[:, :, :length]
        past = torch.arange(length, device=x.device)
        bias = flow.position.scores(flow.positions, past)
        mask = None if x.shape[1] == 1 else self._mask(flow, flow.positions, past, query)
        if bias is not None:
            mask = bias if mask is None else mask + bias
        if self.fused:
            mixed = nn.functional.scaled_dot_product_attention(
                query, keys, values, attn_mask=mask, scale=self.scale, enable_gqa=self._grouped
            )
        else:
            mixed = self._explicit(query, keys, values, mask)
        return self.output(mixed.transpose(1, 2).flatten(-2)), Cache(*state[:2], length)

    def extra_flops(self) -> int:
        """Two products of [time, time] a head: 4 time^2 d, not halved for the causal mask."""
        return 4 * self.dims.context**2 * self.dims.num_heads * self.dims.head_width

    @property
    def _grouped(self) -> bool:
        return self.dims.num_heads != self.dims.num_kv_heads

    def _project(self, x: Stream, flow: Flow) -> tuple[Heads, Groups, Groups]:
        x = narrowed(x)
        query, key, value = (
            layer(x).unflatten(-1, (-1, self.dims.head_width)).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        if self.query_norm is not None and self.key_norm is not None:
            query, key = self.query_norm(query), self.key_norm(key)
        query, key = flow.position.heads(query, flow), flow.position.heads(key, flow)
        # Under autocast rotation and norms may come back wider than the values are.
        return query.to(value.dtype), key.to(value.dtype), value

    def _mask(self, flow: Flow, queries: Positions, keys: Keys, like: Tensor) -> Tensor:
        """0 where a key may be seen, minus infinity where it lies in the future."""
        name = f"causal mask {len(queries)} {len(keys)} {like.dtype}"
        if name not in flow.shared:
            hidden = keys.unsqueeze(0) > queries.unsqueeze(1)
            flow.shared[name] = torch.zeros(
                hidden.shape, dtype=like.dtype, device=like.device
            ).masked_fill_(hidden, -torch.inf)
        return flow.shared[name]

    def _explicit(self, query: Heads, key: Groups, value: Groups, mask: Tensor | None) -> Heads:
        """Two batched matrix products around the probability map; the oracle of the fused path."""
        batch, heads, time, width = query.shape
        groups, keys = key.shape[1], key.shape[2]
        # The query heads of one group are stacked along time, so that no key is repeated.
        # Scaled here it is one pass over d numbers a query; scaled as a score, one over all keys.
        query = (query * self.scale).reshape(batch * groups, -1, width)
        key, value = key.reshape(-1, keys, width), value.reshape(-1, keys, width)
        if mask is None:
            scores = torch.bmm(query, key.transpose(1, 2))
        else:
            added = mask.expand(batch, heads, time, keys).reshape(batch * groups, -1, keys)
            if mask.dim() == 2 and heads == groups:
                added = mask  # the same for every head: broadcast instead of copied
            scores = torch.baddbmm(added, query, key.transpose(1, 2))
        scores = scores.view(batch, heads, time, keys)
        weights = self.probability(scores).view(batch * groups, -1, keys)
        return torch.bmm(weights.to(value.dtype), value).view(batch, heads, time, width)

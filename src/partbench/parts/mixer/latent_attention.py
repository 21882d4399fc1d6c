"""Multi-head latent attention: keys and values of all heads come from one short vector a token.

    c = N(W_c x),  r = turn(W_r x);   k_h = [U_h c; r],  v_h = V_h c;   q_h = [q'_h; turn(q''_h)]
    out = O concat_h(P(q_h k_h^T / sqrt(d + d_r)) v_h)

The cache holds c and r alone. Decoding is absorbed: U_h goes into the query and V_h behind the
weights, so that no key and no value of a past token is ever formed, and heads share one key.
Paper: DeepSeek-AI 2024, arXiv:2405.04434 (V2; the same in V3, arXiv:2412.19437).
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.errors import ConfigError
from partbench.core.numerics import Numerics
from partbench.core.ranges import Count
from partbench.core.roles import Role
from partbench.parts.flow import Flow
from partbench.parts.mixer.scored_sum import ScoredSum
from partbench.parts.narrow import narrowed
from partbench.parts.shapes import Found, Heads, Stream


class LatentCache(NamedTuple):
    """[latent; turned key] [batch, 1, capacity, rank + turned]; length so far."""

    entries: Tensor
    length: int


class LatentAttention(nn.Module):
    """Attention from a cache of rank + turned numbers a token, however many heads.

    Content and values of a head are `dims.head_width` wide; `dims.num_kv_heads` is not used.
    Settings: rank of the latent vector (none: 4 head widths, as in the paper); query_rank, the same
    for queries (none: full rank, as in V2-Lite); turned, how many more channels of a head carry the
    position (none: half the head width, as in the paper).
    Under `dims.transfer` scores are multiplied by sqrt(d_0 / (d (d + d_r))), d_0 the base's d.
    Cost: width (rank + turned + heads (2 d + turned)) + 2 rank heads d parameters; beyond them
    (4 d + 2 turned) time FLOPs a head and token; cache rank + turned numbers a token.
    Raises ConfigError where `turned` is odd.
    """

    ROLES = {
        "query.weight": Role.READ,
        "query_down.weight": Role.READ,
        "down.weight": Role.READ,
        "key": Role.READ,
        "value": Role.READ,
        "output.weight": Role.WRITE,
    }

    def __init__(
        self,
        dims: Dims,
        numerics: Numerics,
        norm: Callable[..., nn.Module],
        probability: Callable[[], nn.Module],
        *,
        rank: Count | None = None,
        query_rank: Count | None = None,
        turned: Count | None = None,
    ) -> None:
        super().__init__()
        heads, d = dims.num_heads, dims.head_width
        self.rank = rank or 4 * d
        self.turned = turned or max(2, d // 2)
        if self.turned % 2:
            raise ConfigError(
                f"mixer.turned: {self.turned} is odd; the nearest even one is {self.turned + 1}"
            )
        self.query_down = nn.Linear(dims.width, query_rank, bias=False) if query_rank else None
        self.query_norm = norm(width=query_rank) if query_rank else None
        self.query = nn.Linear(query_rank or dims.width, heads * (d + self.turned), bias=False)
        self.down = nn.Linear(dims.width, self.rank + self.turned, bias=False)
        self.norm = norm(width=self.rank)
        self.key = nn.Parameter(torch.zeros(heads, d, self.rank))
        self.value = nn.Parameter(torch.zeros(heads, d, self.rank))
        self.output = nn.Linear(heads * d, dims.width, bias=False)
        # dims.transfer scales the products of wider heads down; exactly 1 where it is standard.
        follows = dims.attention_scale / d**-0.5
        scale = (d + self.turned) ** -0.5 * follows
        self.sum = ScoredSum(numerics, probability, scale=scale)
        self.dims = dims

    def forward(self, x: Stream, flow: Flow) -> Stream:
        """Expanded: keys and values of every head are formed."""
        content, turned, latent, shared = self._project(x, flow)
        key, value = self._up(latent, self.key), self._up(latent, self.value)
        key = torch.cat([key, shared.expand(-1, len(self.key), -1, -1)], dim=-1)
        query = torch.cat([content, turned], dim=-1)
        return self._answer(self.sum(query, key, value, flow, flow.positions))

    def begin(self, batch: int, capacity: int) -> LatentCache:
        """An empty cache for `batch` sequences of at most `capacity` positions."""
        weight = self.down.weight
        return LatentCache(weight.new_zeros(batch, 1, capacity, self.rank + self.turned), 0)

    def step(self, x: Stream, flow: Flow, state: LatentCache) -> tuple[Stream, LatentCache]:
        """Absorbed: queries go to the latents, and only what was attended to becomes a value."""
        content, turned, latent, shared = self._project(x, flow)
        length = state.length + x.shape[1]
        state.entries[:, :, state.length : length] = torch.cat([latent, shared], dim=-1)
        past = state.entries[:, :, :length].to(content.dtype)
        query = torch.cat([content @ self.key.to(content.dtype), turned], dim=-1)
        positions = torch.arange(length, device=past.device)
        mixed = self.sum(query, past, past[..., : self.rank], flow, positions)
        up = self.value.to(mixed.dtype).transpose(1, 2)
        return self._answer(mixed @ up), LatentCache(state.entries, length)

    def extra_flops(self) -> int:
        """Scores of width d + turned and values of width d, densely."""
        widths = 2 * self.dims.head_width + self.turned
        return 2 * self.dims.context**2 * self.dims.num_heads * widths

    def _project(self, x: Stream, flow: Flow) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Content and turned part of queries [batch, head, time, d or turned]; latents and turned
        keys, one for all heads [batch, 1, time, rank or turned].
        """
        x = narrowed(x)
        low = x
        if self.query_down is not None and self.query_norm is not None:
            low = self.query_norm(self.query_down(x))
        query = self.query(low).unflatten(-1, (self.dims.num_heads, -1)).transpose(1, 2)
        content, turned = query.split([self.dims.head_width, self.turned], dim=-1)
        latent, shared = self.down(x).unsqueeze(1).split([self.rank, self.turned], dim=-1)
        kind = content.dtype  # under autocast rotation and norms may come back wider
        turned = flow.position.heads(turned, flow).to(kind)
        shared = flow.position.heads(shared, flow).to(kind)
        return content, turned, self.norm(latent).to(kind), shared

    def _up(self, latent: Tensor, weight: Tensor) -> Heads:
        """The keys or values of every head [batch, head, time, d], as one product."""
        heads, d, _ = weight.shape
        up = nn.functional.linear(latent.squeeze(1), weight.flatten(0, 1))
        return up.unflatten(-1, (heads, d)).transpose(1, 2)

    def _answer(self, mixed: Found) -> Stream:
        return self.output(mixed.transpose(1, 2).flatten(-2))

"""Multi-head latent attention: keys and values live in one short vector a token.

    c = N(W_c x),  r = turn(W_r x);   k_h = [U_h c; r],  v_h = V_h c;   q_h = [q'_h; turn(q''_h)]
    out = O concat_h(P(q_h k_h^T / sqrt(2 d)) v_h)

The cache holds c and r alone. `step` is absorbed: U_h goes into the query and V_h behind the
weights, so no key and no value of a past token is ever formed.
Paper: DeepSeek-AI 2024, arXiv:2405.04434.
Differs: queries are full rank, as in its Lite model; content, turned and value parts of a head are
all `dims.head_width` wide, for that is the width the model's positions are built for.
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
    """Latents [batch, capacity, rank], turned keys [batch, capacity, head_width], length so far."""

    latents: Tensor
    turned: Tensor
    length: int


class MLA(nn.Module):
    """Attention from a cache of rank + head_width numbers a token, whatever the heads.

    Settings: rank of the latent vector.
    Cost: width (rank + d + 3 heads d) + 2 rank heads d parameters; beyond them 6 d time FLOPs a
    head and token; cache rank + d numbers a token.
    """

    ROLES = {
        "query.weight": Role.READ,
        "down.weight": Role.READ,
        "key": Role.READ,
        "value": Role.READ,
        "output.weight": Role.WRITE,
    }

    def __init__(
        self,
        dims: Dims,
        norm: Callable[..., nn.Module],
        probability: Callable[[], nn.Module],
        *,
        rank: Count = 16,
    ) -> None:
        super().__init__()
        heads, d = dims.num_heads, dims.head_width
        self.query = nn.Linear(dims.width, heads * 2 * d, bias=False)
        self.down = nn.Linear(dims.width, rank + d, bias=False)
        self.norm = norm(width=rank)
        self.key = nn.Parameter(torch.zeros(heads, d, rank))
        self.value = nn.Parameter(torch.zeros(heads, d, rank))
        self.output = nn.Linear(heads * d, dims.width, bias=False)
        self.probability = probability()
        self.dims, self.rank = dims, rank

    def forward(self, x: Stream, flow: Flow) -> Stream:
        """Expanded: keys and values of every head are formed."""
        content, turned, latent, shared = self._project(x, flow)
        key = latent.unsqueeze(1) @ self.key.transpose(1, 2)  # (batch, head, time, d)
        value = latent.unsqueeze(1) @ self.value.transpose(1, 2)
        key = torch.cat([key, shared.unsqueeze(1).expand_as(key)], dim=-1)
        scores = torch.cat([content, turned], dim=-1) @ key.transpose(-1, -2)
        return self._answer(self._weights(scores, flow, flow.positions).to(value.dtype) @ value)

    def begin(self, batch: int, capacity: int) -> Cache:
        """An empty cache."""
        empty = self.down.weight.new_zeros(batch, capacity, self.down.out_features)
        latents, turned = empty.split([self.rank, self.dims.head_width], dim=-1)
        return Cache(latents, turned, 0)

    def step(self, x: Stream, flow: Flow, state: Cache) -> tuple[Stream, Cache]:
        """Absorbed: queries go to the latents, and only what was attended to becomes a value."""
        content, turned, latent, shared = self._project(x, flow)
        length = state.length + x.shape[1]
        state.latents[:, state.length : length] = latent
        state.turned[:, state.length : length] = shared
        latents = state.latents[:, None, :length]
        absorbed = content @ self.key  # (batch, head, time, rank)
        scores = absorbed @ latents.transpose(-1, -2)
        scores = scores + turned @ state.turned[:, None, :length].transpose(-1, -2)
        past = torch.arange(length, device=x.device)
        mixed = self._weights(scores, flow, past).to(latents.dtype) @ latents
        return self._answer(mixed @ self.value.transpose(1, 2)), Cache(*state[:2], length)

    def extra_flops(self) -> int:
        """Scores of width 2 d and values of width d, densely."""
        return 6 * self.dims.context**2 * self.dims.num_heads * self.dims.head_width

    def _project(self, x: Stream, flow: Flow) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        query = self.query(x).unflatten(-1, (self.dims.num_heads, -1)).transpose(1, 2)
        content, turned = query.chunk(2, dim=-1)
        latent, shared = self.down(x).split([self.rank, self.dims.head_width], dim=-1)
        turned = flow.position.heads(turned, flow).to(content.dtype)
        shared = flow.position.heads(shared.unsqueeze(1), flow).squeeze(1).to(content.dtype)
        return content, turned, self.norm(latent), shared  # one turned key for all heads

    def _weights(self, scores: Tensor, flow: Flow, keys: Tensor) -> Tensor:
        scores = scores * (2 * self.dims.head_width) ** -0.5
        bias = flow.position.scores(flow.positions, keys)
        scores = scores if bias is None else scores + bias
        hidden = keys.unsqueeze(0) > flow.positions.unsqueeze(1)
        return self.probability(scores.masked_fill(hidden, -torch.inf))

    def _answer(self, mixed: Tensor) -> Stream:
        return self.output(mixed.transpose(1, 2).flatten(-2))

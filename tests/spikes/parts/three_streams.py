"""Attention whose query, key and value each read a stream of their own.

    O(P(Q x_q (K x_k)^T / sqrt(d)) V x_v);  one plain stream is read three times

Paper: Vaswani et al. 2017, arXiv:1706.03762; three streams: Xiao et al. 2025, arXiv:2502.12170.
Differs from `attention`: no groups, explicit products only.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.roles import Role
from partbench.parts.flow import Flow
from partbench.parts.shapes import Stream

Read = Stream | tuple[Stream, Stream, Stream]


class ThreeStreamAttention(nn.Module):
    """Takes what the residual's `read` hands it: a stream, or one each for q, k and v.

    Cost: 4 width heads d parameters; 4 d time FLOPs a head and token; cache 2 heads d a token.
    """

    PROVIDES = ("reads_three_streams",)
    ROLES = {
        "query.weight": Role.READ,
        "key.weight": Role.READ,
        "value.weight": Role.READ,
        "output.weight": Role.WRITE,
    }

    def __init__(self, dims: Dims, probability: Callable[[], nn.Module]) -> None:
        super().__init__()
        inner = dims.num_heads * dims.head_width
        self.query = nn.Linear(dims.width, inner, bias=False)
        self.key = nn.Linear(dims.width, inner, bias=False)
        self.value = nn.Linear(dims.width, inner, bias=False)
        self.output = nn.Linear(inner, dims.width, bias=False)
        self.probability = probability()
        self.dims = dims

    def forward(self, x: Read, flow: Flow) -> Stream:
        """What is written back to the stream."""
        query, key, value = self._project(x, flow)
        return self._attend(query, key, value, flow, flow.positions)

    def begin(self, batch: int, capacity: int) -> tuple[Tensor, Tensor, int]:
        """Keys and values, and how many there are."""
        shape = (batch, self.dims.num_heads, capacity, self.dims.head_width)
        return self.key.weight.new_zeros(shape), self.key.weight.new_zeros(shape), 0

    def step(
        self, x: Read, flow: Flow, state: tuple[Tensor, Tensor, int]
    ) -> tuple[Stream, tuple[Tensor, Tensor, int]]:
        """The next positions against the cache."""
        query, key, value = self._project(x, flow)
        keys, values, past = state
        length = past + key.shape[2]
        keys[:, :, past:length], values[:, :, past:length] = key, value
        seen = torch.arange(length, device=keys.device)
        answer = self._attend(query, keys[:, :, :length], values[:, :, :length], flow, seen)
        return answer, (keys, values, length)

    def extra_flops(self) -> int:
        """Two products of [time, time] a head."""
        return 4 * self.dims.context**2 * self.dims.num_heads * self.dims.head_width

    def _project(self, x: Read, flow: Flow) -> tuple[Tensor, Tensor, Tensor]:
        streams = (x, x, x) if isinstance(x, Tensor) else x
        maps = (self.query, self.key, self.value)
        query, key, value = (
            f(s).unflatten(-1, (self.dims.num_heads, -1)).transpose(1, 2)
            for f, s in zip(maps, streams, strict=True)
        )
        query, key = flow.position.heads(query, flow), flow.position.heads(key, flow)
        return query.to(value.dtype), key.to(value.dtype), value

    def _attend(self, q: Tensor, k: Tensor, v: Tensor, flow: Flow, seen: Tensor) -> Stream:
        scores = q @ k.transpose(-1, -2) * self.dims.head_width**-0.5
        bias = flow.position.scores(flow.positions, seen)
        scores = scores if bias is None else scores + bias
        hidden = seen.unsqueeze(0) > flow.positions.unsqueeze(1)
        weights = self.probability(scores.masked_fill(hidden, -torch.inf))
        return self.output((weights.to(v.dtype) @ v).transpose(1, 2).flatten(-2))

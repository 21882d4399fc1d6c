"""Linear attention: a kernel's feature map in place of softmax, so that the past is one matrix.

    y_t = (sum_{s<=t} v_s phi(k_s)^T) phi(q_t) / (phi(q_t) . sum_{s<=t} phi(k_s) + eps)

Papers: Katharopoulos et al. 2020, arXiv:2006.16236 (phi(x) = elu(x) + 1); rotary positions turn the
features in the numerator alone: Su et al. 2021, arXiv:2104.09864, equation 19; a norm on the output
in place of the denominator: Qin et al. 2022, arXiv:2210.10340.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.ranges import Count
from partbench.core.roles import Role
from partbench.parts.flow import Flow
from partbench.parts.mixer.decaying_sum import chunked, chunked_flops, recurrent, widened
from partbench.parts.narrow import narrowed
from partbench.parts.shapes import Stream

EPS = 1e-6
"""Added to the denominator, as in the authors' code; a relu feature can be zero everywhere."""


class Cache(NamedTuple):
    """sum v phi(k)^T [batch, group, 1, head_width, head_width] and sum phi(k)."""

    sums: Tensor
    features: Tensor


class LinearAttention(nn.Module):
    """Causal attention whose cost is linear in time and whose cache does not grow.

    `dims.num_heads` query heads share `dims.num_kv_heads` key-value heads, as in attention.
    Settings: feature, phi; normaliser, "sum" divides by the sum of weights, "norm" puts the `norm`
    part on each head's output instead; chunk, steps that are computed at a time.
    Cost: parameters as attention's; beyond them about 2 d (chunk + d) FLOPs a head and token for
    each of two products; cache num_kv_heads d (d + 1) numbers whatever the length.
    """

    PROVIDES = ("left_padding",)
    FORBIDS = ("score_bias",)
    ROLES = {
        "query.weight": Role.READ,
        "key.weight": Role.READ,
        "value.weight": Role.READ,
        "output.weight": Role.WRITE,
    }

    def __init__(
        self,
        dims: Dims,
        norm: Callable[..., nn.Module],
        *,
        feature: Literal["elu", "relu"] = "elu",
        normaliser: Literal["sum", "norm"] = "sum",
        chunk: Count = 64,
    ) -> None:
        super().__init__()
        inner, shared = dims.num_heads * dims.head_width, dims.num_kv_heads * dims.head_width
        self.query = nn.Linear(dims.width, inner, bias=False)
        self.key = nn.Linear(dims.width, shared, bias=False)
        self.value = nn.Linear(dims.width, shared, bias=False)
        self.output = nn.Linear(inner, dims.width, bias=False)
        self.norm = norm(width=dims.head_width) if normaliser == "norm" else None
        self.feature = {"elu": lambda x: nn.functional.elu(x) + 1, "relu": torch.relu}[feature]
        self.chunk = chunk
        self.dims = dims

    def forward(self, x: Stream, flow: Flow) -> Stream:
        """What is written back to the stream, for whole sequences, chunk by chunk."""
        return self._mix(x, flow, None)[0]

    def begin(self, batch: int, capacity: int) -> Cache:
        """Empty sums; they have one size whatever the capacity."""
        groups, width = self.dims.num_kv_heads, self.dims.head_width
        zeros = self.key.weight.new_zeros
        return Cache(zeros(batch, groups, 1, width, width), zeros(batch, groups, 1, 1, width))

    def step(self, x: Stream, flow: Flow, state: Cache) -> tuple[Stream, Cache]:
        """The same for the next positions: one by the recurrence, several by chunks."""
        y, after = self._mix(x, flow, state)
        assert after is not None
        return y, after

    def extra_flops(self) -> int:
        """The two products of scores and of states, dense in the mask."""
        dims = self.dims
        sizes = (dims.context, self.chunk, dims.head_width, dims.head_width)
        return chunked_flops(*sizes, dims.num_heads, dims.num_heads, dims.num_kv_heads)

    def _mix(self, x: Stream, flow: Flow, state: Cache | None) -> tuple[Stream, Cache | None]:
        x, width, groups = narrowed(x), self.dims.head_width, self.dims.num_kv_heads
        query, key, value = (
            widened(layer(x)).unflatten(-1, (-1, width)).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        query, key = self.feature(query), self.feature(key)
        if (present := flow.present) is not None:
            key = key * present.unsqueeze(1)  # what is not there has no feature, not that of zero
        turned, passed = flow.position.heads(query, flow), flow.position.heads(key, flow)
        # One axis for the query heads that share a key-value head: nothing is repeated.
        query, turned = query.unflatten(1, (groups, -1)), turned.unflatten(1, (groups, -1))
        key, passed, value = (k.unsqueeze(2) for k in (key, passed, value))
        with torch.autocast(x.device.type, enabled=False):
            before = None if state is None else state.sums
            sums: Tensor | None
            if before is not None and x.shape[1] == 1:
                mixed, sums = recurrent(turned, passed, value, None, before)
            else:
                mixed, sums = chunked(turned, passed, value, None, before, self.chunk)
            seen = key.cumsum(-2)
            if state is not None:
                seen = seen + state.features
            if self.norm is not None:
                mixed = self.norm(mixed)
            else:
                mixed = mixed / ((query * seen).sum(-1, keepdim=True) + EPS)
        after = None if sums is None else Cache(sums, seen[..., -1:, :])
        return self.output(mixed.flatten(1, 2).transpose(1, 2).flatten(-2)), after

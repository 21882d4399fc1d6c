"""Mamba-2: a state space with one decay a head, which is attention without softmax that fades.

    v, k, q = silu(conv(W x)),  dt = softplus(W x + bias),  a = exp(-exp(A) dt)
    S_t = a_t S_{t-1} + k_t (dt_t v_t)^T,   y_t = S_t^T q_t + D v_t
    out = W_o norm(y * silu(W_z x))

The paper calls v, k, q by the names of state spaces: x, B, C.
Paper: Dao and Gu 2024, arXiv:2405.21060. As in the authors' code: one k and q for all heads, A in
(1, 16), dt from 0.001 to 0.1, the norm after the gate, over all channels. `decaying_sum` holds the
plain recurrence and the chunked form.
Differs: heads are as wide as `dims.head_width`; it stands beside a feed-forward layer, where the
paper stacks it alone; convolutions do not decay.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.ranges import Count
from partbench.core.roles import Role
from partbench.parts.flow import Flow
from partbench.parts.mixer.decaying_sum import chunked, chunked_flops, recurrent, widened
from partbench.parts.mixer.short_convolution import CausalConvolution
from partbench.parts.mixer.step_size import drawn_decay, drawn_step
from partbench.parts.narrow import narrowed
from partbench.parts.shapes import Stream


class Cache(NamedTuple):
    """Inputs the convolution still sees; the state S [batch, head, state, head_width]."""

    past: Tensor
    sums: Tensor


class Mamba2(nn.Module):
    """A selective state space: cost linear in time, cache of one size.

    expansion * `dims.num_heads` heads of `dims.head_width`; `dims.num_kv_heads` plays no role.
    Settings: state, numbers a channel remembers (paper: 128); expansion of the inner width; taps of
    the convolution; chunk, steps that are computed at a time.
    Cost: 3 expansion width^2 + 2 state width parameters; cache state * expansion * width numbers.
    """

    PROVIDES = ("left_padding",)
    ROLES = {
        "gate.weight": Role.READ,
        "value.weight": Role.READ,
        "key.weight": Role.READ,
        "query.weight": Role.READ,
        "step_size.weight": Role.ROUTER,
        "step_bias": Role.SCALAR,
        "log_decay": Role.SCALAR,
        "skip": Role.SCALAR,
        "output.weight": Role.WRITE,
    }

    def __init__(
        self,
        dims: Dims,
        norm: Callable[..., nn.Module],
        *,
        state: Count = 64,
        expansion: Count = 2,
        taps: Count = 4,
        chunk: Count = 64,
    ) -> None:
        super().__init__()
        heads = expansion * dims.num_heads
        inner = heads * dims.head_width
        self.gate = nn.Linear(dims.width, inner, bias=False)
        self.value = nn.Linear(dims.width, inner, bias=False)
        self.key = nn.Linear(dims.width, state, bias=False)
        self.query = nn.Linear(dims.width, state, bias=False)
        self.step_size = nn.Linear(dims.width, heads, bias=False)
        self.step_bias = nn.Parameter(drawn_step(heads))
        self.log_decay = nn.Parameter(drawn_decay(heads, lowest=1.0))
        self.skip = nn.Parameter(torch.ones(heads))
        self.convolution = CausalConvolution(dims, inner + 2 * state, taps, bias=True)
        self.norm = norm(width=inner)
        self.output = nn.Linear(inner, dims.width, bias=False)
        self.widths = (inner, state, state)
        self.heads = heads
        self.chunk = chunk
        self.dims = dims

    def forward(self, x: Stream, flow: Flow) -> Stream:
        """What is written back to the stream, for whole sequences, chunk by chunk."""
        return self._mix(x, flow, self.convolution.empty(x.shape[0]), None)[0]

    def begin(self, batch: int, capacity: int) -> Cache:
        """An empty state; it has one size whatever the capacity."""
        shape = (batch, self.heads, self.widths[1], self.dims.head_width)
        return Cache(self.convolution.empty(batch), self.key.weight.new_zeros(shape))

    def step(self, x: Stream, flow: Flow, state: Cache) -> tuple[Stream, Cache]:
        """The same for the next positions: one by the recurrence, several by chunks."""
        y, past, sums = self._mix(x, flow, state.past, state.sums)
        assert sums is not None
        return y, Cache(past, sums)

    def extra_flops(self) -> int:
        """Scores once for all heads, values and states for each, dense in the mask."""
        sizes = (self.dims.context, self.chunk, self.widths[1], self.dims.head_width)
        return chunked_flops(*sizes, scored=1, heads=self.heads, states=self.heads)

    def _mix(
        self, x: Stream, flow: Flow, past: Tensor, sums: Tensor | None
    ) -> tuple[Stream, Tensor, Tensor | None]:
        x = flow.kept(x)
        with torch.autocast(x.device.type, enabled=False):  # one row a head: cheap, and it decides
            wide = x.to(self.step_bias.dtype)
            step = nn.functional.softplus(self.step_size(wide) + self.step_bias)
            step = flow.kept(step).transpose(1, 2)  # no time passes in padding
            log_decay = -self.log_decay.exp().unsqueeze(-1) * step
        x = narrowed(x)
        joined = torch.cat([self.value(x), self.key(x), self.query(x)], dim=-1)
        joined, past = self.convolution(joined, past)
        value, key, query = (
            widened(part) for part in nn.functional.silu(joined).split(self.widths, dim=-1)
        )
        value = value.unflatten(-1, (self.heads, -1)).transpose(1, 2)
        with torch.autocast(x.device.type, enabled=False):
            fed = value * step.unsqueeze(-1)
            given = (query.unsqueeze(1), key.unsqueeze(1), fed, log_decay)
            if sums is not None and x.shape[1] == 1:
                mixed, sums = recurrent(*given, sums)
            else:
                mixed, sums = chunked(*given, sums, self.chunk)
            mixed = mixed + self.skip.view(-1, 1, 1) * value
        mixed = mixed.transpose(1, 2).flatten(-2) * nn.functional.silu(widened(self.gate(x)))
        return self.output(self.norm(mixed)), past, sums

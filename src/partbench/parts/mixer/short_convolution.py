"""Short convolution: each channel sees its last few steps, between two gates of the input.

    y = W_o (c * conv(b * v)),   b, c, v = W_b x, W_c x, W_v x
    conv(x)_t = sum_j k_j * x_{t - taps + 1 + j}    one small kernel a channel, causal

Papers: the double gate: LFM2, Amini et al. 2025, arXiv:2511.23404; before it in H3, Fu et al. 2022,
arXiv:2212.14052. The ungated form is the plain causal depthwise convolution.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.ranges import Count
from partbench.core.roles import Role
from partbench.parts.flow import Flow
from partbench.parts.narrow import narrowed
from partbench.parts.shapes import Stream


class CausalConvolution(nn.Module):
    """y_t = sum_j kernel_j * x_{t - taps + 1 + j} for each channel by itself.

    Kernels start uniform within +-1 / sqrt(taps), torch's own for convolutions; they do not decay,
    and neither starting values nor rates by width reach them, since their fan-in is `taps`.
    Cost: taps * channels parameters.
    """

    ROLES = {"kernel": Role.MIXING, "bias": Role.BIAS}

    def __init__(self, dims: Dims, channels: int, taps: int, bias: bool = False) -> None:
        super().__init__()
        bound = taps**-0.5
        self.kernel = nn.Parameter(torch.empty(channels, taps).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(channels)) if bias else None
        self.dims = dims

    def empty(self, batch: int) -> Tensor:
        """What comes before the first step: zeros [batch, taps - 1, channels]."""
        channels, taps = self.kernel.shape
        return self.kernel.new_zeros(batch, taps - 1, channels)

    def forward(self, x: Stream, past: Tensor) -> tuple[Stream, Tensor]:
        """The convolved steps, and the last taps - 1 inputs for those to come."""
        seen = torch.cat([past, x.to(past.dtype)], dim=1)
        kernel = self.kernel.unsqueeze(1)
        # Autocast would round what a handful of products add up to.
        with torch.autocast(x.device.type, enabled=False):
            y = nn.functional.conv1d(seen.transpose(1, 2), kernel, self.bias, groups=len(kernel))
        return y.transpose(1, 2), seen[:, seen.shape[1] - past.shape[1] :]

    def extra_flops(self) -> int:
        """Two a tap, channel and step."""
        return 2 * self.kernel.numel() * self.dims.context


class Cache(NamedTuple):
    """The inputs of the convolution that later steps still see [batch, taps - 1, width]."""

    past: Tensor


class ShortConvolution(nn.Module):
    """W_o (c * conv(b * v)); without the gates W_o conv(v). No state grows with time.

    Settings: taps, how many steps a kernel sees, 3 as in LFM2; gated.
    Cost: 4 width^2 parameters gated, 2 width^2 plain, and taps * width; cache (taps - 1) width.
    """

    PROVIDES = ("left_padding",)
    ROLES = {
        "gate_in.weight": Role.READ,
        "gate_out.weight": Role.READ,
        "value.weight": Role.READ,
        "output.weight": Role.WRITE,
    }

    def __init__(self, dims: Dims, *, taps: Count = 3, gated: bool = True) -> None:
        super().__init__()
        self.gate_in = nn.Linear(dims.width, dims.width, bias=False) if gated else None
        self.gate_out = nn.Linear(dims.width, dims.width, bias=False) if gated else None
        self.value = nn.Linear(dims.width, dims.width, bias=False)
        self.output = nn.Linear(dims.width, dims.width, bias=False)
        self.convolution = CausalConvolution(dims, dims.width, taps)

    def forward(self, x: Stream, flow: Flow) -> Stream:
        """What is written back to the stream, for whole sequences."""
        return self.step(x, flow, self.begin(x.shape[0], 0))[0]

    def begin(self, batch: int, capacity: int) -> Cache:
        """The state before the first step; it has one size whatever the capacity."""
        return Cache(self.convolution.empty(batch))

    def step(self, x: Stream, flow: Flow, state: Cache) -> tuple[Stream, Cache]:
        """The same as `forward` for the next positions."""
        x = narrowed(flow.kept(x))
        value = self.value(x)
        if self.gate_in is not None:
            value = self.gate_in(x).to(state.past.dtype) * value  # not rounded once more
        mixed, past = self.convolution(value, state.past)
        if self.gate_out is not None:
            mixed = self.gate_out(x) * mixed
        return self.output(mixed), Cache(past)

"""LayerScale: each channel of what a sublayer writes has a learned gain.

    h <- h + g_l * F_l(N_l(h))

Paper: Touvron et al. 2021, arXiv:2103.17239: g starts at .1 up to 18 layers, 1e-5 up to 24, 1e-6
beyond. With `start` 1 it begins exactly at pre-norm.
"""

from collections.abc import Callable

import torch
from torch import nn

from partbench.core.dims import Dims
from partbench.core.ranges import Positive
from partbench.core.roles import Role
from partbench.parts.shapes import Stream


class LayerScale(nn.Module):
    """The plain residual with gains g [sublayer, width] on what is written; no weight decay.

    Settings: start, where every gain begins.
    Cost: one number a sublayer and channel.
    """

    ROLES = {"gains": Role.GAIN}

    def __init__(
        self, dims: Dims, norm: Callable[..., nn.Module], *, start: Positive = 0.1
    ) -> None:
        super().__init__()
        count = dims.num_sublayers
        self.norms = nn.ModuleList(norm(width=dims.width) for _ in range(count))
        self.final = norm(width=dims.width)
        self.gains = nn.Parameter(torch.full((count, dims.width), start))

    def begin(self, x: Stream) -> Stream:
        """The stream is the state."""
        return x

    def read(self, sublayer: int, state: Stream) -> tuple[Stream, Stream]:
        """The normed stream."""
        return self.norms[sublayer](state), state

    def write(self, sublayer: int, state: Stream, output: Stream) -> Stream:
        """The stream plus the output, each channel at its gain."""
        return torch.addcmul(state, output.to(state.dtype), self.gains[sublayer])

    def end(self, state: Stream) -> Stream:
        """The normed stream."""
        return self.final(state)

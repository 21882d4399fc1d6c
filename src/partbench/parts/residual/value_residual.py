"""Value residual: every layer attends to its own values mixed with those of the first layer.

    v_l <- c_l v_l + d_l v_0     before attention, l > 0;   the stream itself is pre-norm's

Paper: Zhou et al. 2024, arXiv:2410.17897 (ResFormer; its plain form has c = d = 1/2, `start` .5).
Starts exactly at pre-norm for `start` 0. v_0 travels in the pass's Flow, so decoding, checkpointing
and neighbours in a batch see only their own.
"""

from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.ranges import Share
from partbench.core.roles import Role
from partbench.parts.flow import Flow
from partbench.parts.shapes import Stream

FIRST = "values of the first layer"


class ValueResidual(nn.Module):
    """The plain residual; learned: c and d of each layer after the first. No weight decay.

    Settings: start of d; c starts at 1 - start.
    Cost: 2 parameters a layer; one more sum over the values a layer; keeps the first layer's.
    """

    NEEDS: ClassVar[dict[str, str]] = {"mixer": "mixes_values"}
    ROLES: ClassVar[dict[str, Role]] = {"weights": Role.SCALAR}

    def __init__(self, dims: Dims, norm: Callable[..., nn.Module], *, start: Share = 0.0) -> None:
        super().__init__()
        self.norms = nn.ModuleList(norm(width=dims.width) for _ in range(dims.num_sublayers))
        self.final = norm(width=dims.width)
        pair = torch.tensor([1 - start, start])
        self.weights = nn.Parameter(pair.repeat(dims.depth - 1, 1)) if dims.depth > 1 else None

    def values(self, value: Tensor, flow: Flow) -> Tensor:
        """What the layer's mixer attends to in place of its own values."""
        if self.weights is None or flow.layer == 0:
            flow.shared[FIRST] = value
            return value
        own, first = self.weights[flow.layer - 1]
        return own * value + first * flow.shared[FIRST]

    def begin(self, x: Stream) -> Stream:
        """The stream is the state."""
        return x

    def read(self, sublayer: int, state: Stream) -> tuple[Stream, Stream]:
        """The normed stream."""
        return self.norms[sublayer](state), state

    def write(self, sublayer: int, state: Stream, output: Stream) -> Stream:
        """The sum."""
        return state + output

    def end(self, state: Stream) -> Stream:
        """The normed stream."""
        return self.final(state)

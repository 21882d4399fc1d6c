"""x0 skip: before each layer the stream is mixed with the embedding it began as.

    h <- c_l h + d_l x_0     once a layer, before the mixer reads;   then pre-norm

Source: modded-nanogpt (2024), record of 2024-11-06 on. c starts at 1 and d at 0: exactly pre-norm.
Trained, c falls below 1 and d grows: the carry becomes a moving average.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.roles import Role
from partbench.parts.shapes import Stream


class State(NamedTuple):
    """The stream and what it began as."""

    stream: Stream
    first: Stream


class X0Skip(nn.Module):
    """The plain residual with two learned numbers a layer.

    Cost: 2 parameters a layer; one more sum a layer.
    """

    ROLES = {"weights": Role.SCALAR}

    def __init__(self, dims: Dims, norm: Callable[..., nn.Module]) -> None:
        super().__init__()
        self.norms = nn.ModuleList(norm(width=dims.width) for _ in range(dims.num_sublayers))
        self.final = norm(width=dims.width)
        self.weights = nn.Parameter(torch.tensor([1.0, 0.0]).repeat(dims.depth, 1))

    def begin(self, x: Stream) -> State:
        """The embedding, twice."""
        return State(x, x)

    def read(self, sublayer: int, state: State) -> tuple[Stream, State]:
        """The normed stream, mixed with the embedding where a layer begins."""
        if sublayer % 2 == 0:
            kept, added = self.weights[sublayer // 2]
            mixed = torch.addcmul(state.stream * kept, state.first, added)
            state = State(mixed, state.first)
        return self.norms[sublayer](state.stream), state

    def write(self, sublayer: int, state: State, output: Stream) -> State:
        """The sum."""
        return State(state.stream + output, state.first)

    def end(self, state: State) -> Stream:
        """The normed stream."""
        return self.final(state.stream)

    def streams(self, state: State) -> Tensor:
        """The one stream [batch, time, 1, width], for probes."""
        return state.stream.unsqueeze(2)

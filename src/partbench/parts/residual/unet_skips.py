"""U-net skips: the later half of the layers gets back what the earlier half ended with, mirrored.

    h <- h + w_i h_i    before layer depth - 1 - i reads, h_i the stream after layer i < depth / 2

Source: modded-nanogpt (2024), record of 2024-11-10; the shape: Ronneberger et al. 2015,
arXiv:1505.04597. Differs: w starts at 0 (exactly pre-norm), there at 1; set `start` for that.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.roles import Role
from partbench.parts.shapes import Stream


class State(NamedTuple):
    """The stream and those that wait to be added to it again."""

    stream: Stream
    waiting: tuple[Stream, ...]


class UNetSkips(nn.Module):
    """The plain residual with one learned number for each pair of mirrored layers.

    Settings: start, where every weight begins.
    Cost: depth / 2 parameters; keeps as many streams until they are added.
    """

    ROLES = {"weights": Role.SCALAR}

    def __init__(self, dims: Dims, norm: Callable[..., nn.Module], *, start: float = 0.0) -> None:
        super().__init__()
        self.norms = nn.ModuleList(norm(width=dims.width) for _ in range(dims.num_sublayers))
        self.final = norm(width=dims.width)
        self.pairs, self.depth = dims.depth // 2, dims.depth
        self.weights = nn.Parameter(torch.full((self.pairs,), start)) if self.pairs else None

    def begin(self, x: Stream) -> State:
        """The stream; nothing waits."""
        return State(x, ())

    def read(self, sublayer: int, state: State) -> tuple[Stream, State]:
        """The normed stream, after what waited for this layer has been added."""
        layer, is_ffn = divmod(sublayer, 2)
        if self.weights is not None and not is_ffn and layer >= self.depth - self.pairs:
            *rest, skipped = state.waiting
            stream = torch.addcmul(state.stream, skipped, self.weights[len(rest)])
            state = State(stream, tuple(rest))
        return self.norms[sublayer](state.stream), state

    def write(self, sublayer: int, state: State, output: Stream) -> State:
        """The sum, which waits too if a layer of the first half ends here."""
        stream = state.stream + output
        waits = sublayer % 2 and sublayer // 2 < self.pairs
        return State(stream, (*state.waiting, stream) if waits else state.waiting)

    def end(self, state: State) -> Stream:
        """The normed stream."""
        return self.final(state.stream)

    def streams(self, state: State) -> Tensor:
        """The one stream [batch, time, 1, width], for probes."""
        return state.stream.unsqueeze(2)

"""DenseFormer: after a layer the stream becomes a weighted sum of all layers' streams so far.

    X_i <- sum_j w_ij X_j,   j = i, i - dilation, i - 2 dilation ..;  X_0 the embedding

Paper: Pagliardini et al. 2024, arXiv:2402.02622. w starts one-hot on the newest: exactly pre-norm.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.ranges import Count
from partbench.core.roles import Role
from partbench.parts.residual.weighted import weighted
from partbench.parts.shapes import Stream


class State(NamedTuple):
    """The stream inside the layer; the embedding and every layer's answer so far."""

    stream: Stream
    layers: tuple[Stream, ...]


class DenseFormer(nn.Module):
    """The plain residual with depth-weighted averages after every `period`-th layer.

    Settings: dilation, every which earlier layer is seen; period, after every which layer.
    Cost: depth (depth + 3) / 2 parameters at most; a weighted sum of the layers after each; keeps
    their streams, which the derivative needs anyway.
    """

    ROLES = {"weights": Role.MIXING}

    def __init__(
        self,
        dims: Dims,
        norm: Callable[..., nn.Module],
        *,
        dilation: Count = 1,
        period: Count = 1,
    ) -> None:
        super().__init__()
        self.norms = nn.ModuleList(norm(width=dims.width) for _ in range(dims.num_sublayers))
        self.final = norm(width=dims.width)
        self.dilation, self.period, self.dims = dilation, period, dims
        # One vector for all averages, each with as many weights as it sees streams, newest last.
        counts = [
            layer // dilation + 1 if layer % period == 0 else 0
            for layer in range(1, dims.depth + 1)
        ]
        newest = [torch.eye(count)[-1] for count in counts if count]
        self.weights = nn.Parameter(torch.cat(newest)) if newest else None
        self.counts = counts

    def begin(self, x: Stream) -> State:
        """The embedding counts as layer 0."""
        return State(x, (x,))

    def read(self, sublayer: int, state: State) -> tuple[Stream, State]:
        """The normed stream."""
        return self.norms[sublayer](state.stream), state

    def write(self, sublayer: int, state: State, output: Stream) -> State:
        """The sum; where a layer ends, the weighted sum of all layers."""
        stream, (layer, is_ffn) = state.stream + output, divmod(sublayer, 2)
        if not is_ffn:
            return State(stream, state.layers)
        if self.weights is not None and self.counts[layer]:
            own = self.weights.split([count for count in self.counts if count])
            seen = [*state.layers, stream][(layer + 1) % self.dilation :: self.dilation]
            stream = weighted(own[sum(map(bool, self.counts[:layer]))], seen)
        return State(stream, (*state.layers, stream))

    def end(self, state: State) -> Stream:
        """The normed stream."""
        return self.final(state.stream)

    def streams(self, state: State) -> Tensor:
        """The one stream [batch, time, 1, width], for probes."""
        return state.stream.unsqueeze(2)

    def extra_flops(self) -> int:
        """Two for each weight and channel."""
        return 2 * sum(self.counts) * self.dims.width * self.dims.context

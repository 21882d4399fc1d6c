"""LAuReL-PA: learned augmented residuals from previous activations.

    h_(l+1) = F_l(N_l(h_l)) + h_l + sum over j < l of c_lj h_j,   h_0 the embedding

Paper: Menghani et al. 2024, arXiv:2411.07501. c starts at zero: exactly pre-norm.
Differs: the paper's map of the previous activations is the identity here; the low-rank map and the
weights on the two summands are `laurel`.
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
    """The stream, and those before each earlier sublayer, oldest first."""

    stream: Stream
    earlier: tuple[Stream, ...]


class LAuReLPrevious(nn.Module):
    """The plain residual with a learned share of the streams before earlier sublayers.

    Settings: last, how many of them a sublayer sees, newest first (none: all).
    Cost: sublayers (sublayers - 1) / 2 parameters at most, and as many sums of streams; keeps the
    streams, which the derivative needs anyway.
    """

    ROLES = {"weights": Role.MIXING}

    def __init__(
        self, dims: Dims, norm: Callable[..., nn.Module], *, last: Count | None = None
    ) -> None:
        super().__init__()
        self.norms = nn.ModuleList(norm(width=dims.width) for _ in range(dims.num_sublayers))
        self.final = norm(width=dims.width)
        self.counts = [min(sublayer, last or sublayer) for sublayer in range(dims.num_sublayers)]
        self.weights = nn.Parameter(torch.zeros(sum(self.counts)))  # the sublayers' one by one
        self.dims = dims

    def begin(self, x: Stream) -> State:
        """Nothing lies before the embedding."""
        return State(x, ())

    def read(self, sublayer: int, state: State) -> tuple[Stream, State]:
        """The normed stream."""
        return self.norms[sublayer](state.stream), state

    def write(self, sublayer: int, state: State, output: Stream) -> State:
        """The plain sum, and the weighted sum of what came before."""
        stream, count = state.stream + output, self.counts[sublayer]
        if count:
            first = sum(self.counts[:sublayer])
            own = self.weights[first : first + count]
            stream = stream + weighted(own, state.earlier[-count:])
        return State(stream, (*state.earlier, state.stream))

    def end(self, state: State) -> Stream:
        """The normed stream."""
        return self.final(state.stream)

    def streams(self, state: State) -> Tensor:
        """The one stream [batch, time, 1, width], for probes."""
        return state.stream.unsqueeze(2)

    def extra_flops(self) -> int:
        """Two for each weight and channel."""
        return 2 * sum(self.counts) * self.dims.width * self.dims.context

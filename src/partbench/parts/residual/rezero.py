"""ReZero: h + a F(h), one learned number a sublayer that starts at zero, and no norm at all.

Paper: Bachlechner et al. 2020, arXiv:2003.04887. That there is no norm is part of it.
"""

from typing import ClassVar

import torch
from torch import nn

from partbench.core.dims import Dims
from partbench.core.roles import Role
from partbench.parts.shapes import Stream


class ReZero(nn.Module):
    """h <- h + a_l F_l(h); the head reads h.

    Starts at the embedding: the first step moves the a alone.
    Cost: one number a sublayer.
    """

    ROLES: ClassVar[dict[str, Role]] = {"gains": Role.SCALAR}

    def __init__(self, dims: Dims) -> None:
        super().__init__()
        self.gains = nn.Parameter(torch.zeros(dims.num_sublayers))

    def begin(self, x: Stream) -> Stream:
        """The stream is the state."""
        return x

    def read(self, sublayer: int, state: Stream) -> tuple[Stream, Stream]:
        """The stream as it is."""
        return state, state

    def write(self, sublayer: int, state: Stream, output: Stream) -> Stream:
        """The stream plus a share of the output."""
        return torch.addcmul(state, output.to(state.dtype), self.gains[sublayer])

    def end(self, state: Stream) -> Stream:
        """The stream as it is."""
        return state

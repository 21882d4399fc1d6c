"""Squared ReLU: W2 relu(W1 x)^2. No gate, and about nine in ten hidden units are exactly zero.

Paper: So et al. 2021, arXiv:2109.08668 (Primer).
"""

from torch import nn

from partbench.core.dims import Dims
from partbench.core.ranges import Positive
from partbench.core.roles import Role
from partbench.parts.flow import Flow
from partbench.parts.shapes import Stream


class ReLUSquared(nn.Module):
    """down(relu(up(x))^2), hidden width = ratio * width. Cost: 2 ratio width^2 parameters."""

    ROLES = {"up.weight": Role.READ, "down.weight": Role.WRITE}

    def __init__(self, dims: Dims, *, ratio: Positive = 4.0) -> None:
        super().__init__()
        hidden = round(ratio * dims.width)
        self.up = nn.Linear(dims.width, hidden, bias=False)
        self.down = nn.Linear(hidden, dims.width, bias=False)

    def forward(self, x: Stream, flow: Flow) -> Stream:
        """What is written back to the stream."""
        return self.down(self.up(x).relu().square())

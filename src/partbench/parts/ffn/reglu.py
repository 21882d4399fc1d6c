"""ReGLU: (relu(x W) * x V) U, a gated network whose gate is exactly zero for half of its inputs.

Paper: Shazeer 2020, arXiv:2002.05202.
"""

from torch import nn

from partbench.core.dims import Dims
from partbench.core.ranges import Positive
from partbench.core.roles import Role
from partbench.parts.flow import Flow
from partbench.parts.narrow import narrowed
from partbench.parts.shapes import Stream


class ReGLU(nn.Module):
    """down(relu(gate(x)) * up(x)), hidden width = ratio * width to the nearest multiple of 8.

    Settings: ratio 8/3 gives three matrices the parameters that two have at ratio 4.
    Cost: 3 ratio width^2 parameters.
    """

    ROLES = {"gate.weight": Role.READ, "up.weight": Role.READ, "down.weight": Role.WRITE}

    def __init__(self, dims: Dims, *, ratio: Positive = 8 / 3) -> None:
        super().__init__()
        hidden = max(8, 8 * round(ratio * dims.width / 8))
        self.gate = nn.Linear(dims.width, hidden, bias=False)
        self.up = nn.Linear(dims.width, hidden, bias=False)
        self.down = nn.Linear(hidden, dims.width, bias=False)

    def forward(self, x: Stream, flow: Flow) -> Stream:
        """What is written back to the stream."""
        x = narrowed(x)
        return self.down(self.gate(x).relu() * self.up(x))

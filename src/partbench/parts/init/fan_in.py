"""Each matrix by how much it reads: W = sqrt(variance / in) z, so that what comes out is as large.

    variance = 2 behind relu (He), 1 without it (LeCun); torch's own layers start at 1/3

The fan-in is the last axis of a matrix [.., out, in]; for a table of tokens it is the width.
Papers: He et al. 2015, arXiv:1502.01852; LeCun et al. 1998, "Efficient backprop".
"""

from torch import Tensor

from partbench.core.dims import Dims
from partbench.core.ranges import NotNegative
from partbench.core.roles import Role


class FanIn:
    """W = sqrt(variance / in) clip(z, -cut, cut) for every drawn role; the head, behind which there
    is no relu, with at most 1.

    Settings: variance; cut in standard deviations, 0 for no cut.
    """

    def __init__(self, dims: Dims, *, variance: NotNegative = 2.0, cut: NotNegative = 3.0) -> None:
        self.variance = variance
        self.cut = cut or float("inf")

    def value(self, draw: Tensor, role: Role) -> Tensor:
        """The starting value, same shape as the draw."""
        variance = min(self.variance, 1.0) if role is Role.HEAD else self.variance
        return (variance / draw.shape[-1]) ** 0.5 * draw.clamp(-self.cut, self.cut)

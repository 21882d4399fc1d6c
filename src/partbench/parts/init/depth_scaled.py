"""Maps that write to the stream start smaller the deeper the model: std / sqrt(2 depth).

So the stream's variance after 2 depth writes does not grow with depth. Where `dims.transfer`
divides the writes themselves (completep), depth is that of the base.
Source: GPT-2 (Radford et al. 2019, section 2.3).
"""

from torch import Tensor

from partbench.core.dims import Dims
from partbench.core.ranges import NotNegative
from partbench.core.roles import Role


class DepthScaled:
    """W = std * clip(z, -cut, cut), times 1 / sqrt(2 depth) for role `write`.

    Settings: std; cut in standard deviations, 0 for no cut.
    """

    def __init__(self, dims: Dims, *, std: NotNegative = 0.02, cut: NotNegative = 3.0) -> None:
        self.std = std
        self.cut = cut or float("inf")
        self.shrink = (dims.num_sublayers / dims.depth_ratio) ** -0.5

    def value(self, draw: Tensor, role: Role) -> Tensor:
        """The starting value, same shape as the draw."""
        scale = self.std * self.shrink if role is Role.WRITE else self.std
        return scale * draw.clamp(-self.cut, self.cut)

"""Every matrix from one normal distribution: W ~ N(0, std^2), cut at `cut` standard deviations.

Source: GPT-2 (Radford et al. 2019) and Hugging Face's `initializer_range` use std 0.02.
"""

from torch import Tensor

from partbench.core.dims import Dims
from partbench.core.ranges import NotNegative
from partbench.core.roles import Role


class Normal:
    """W = std * clip(z, -cut, cut) for every drawn role.

    Settings: std; cut in standard deviations, 3 as in most recipes, 0 for no cut.
    """

    def __init__(self, dims: Dims, *, std: NotNegative = 0.02, cut: NotNegative = 3.0) -> None:
        self.std = std
        self.cut = cut or float("inf")

    def value(self, draw: Tensor, role: Role) -> Tensor:
        """The starting value, same shape as the draw."""
        return self.std * draw.clamp(-self.cut, self.cut)

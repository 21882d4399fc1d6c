"""Another draw from the same distribution: an arm that differs from its base by luck alone.

    z' = standard normal draws keyed by SHA-256(salt, z)

A study of `init=redrawn` against the base compares like with like (A/A): a lab that calls it better
or worse more often than declared is wrong.
Source: A/A tests, Kohavi et al. 2009, "Controlled experiments on the web".
"""

import hashlib

import torch
from torch import Tensor

from partbench.core.dims import Dims
from partbench.core.ranges import NotNegative
from partbench.core.rng import stream
from partbench.core.roles import Role


class Redrawn:
    """W = std * clip(z', -cut, cut), times 1 / sqrt(2 depth) for role `write`, as `depth_scaled`.

    z' is a pure function of the draw z and of `salt`, and independent of z for all that a model can
    notice; each salt is another draw. Settings: salt; std; cut in standard deviations, 0 for none.
    """

    def __init__(
        self, dims: Dims, *, salt: int = 1, std: NotNegative = 0.02, cut: NotNegative = 3.0
    ) -> None:
        self.salt = salt
        self.std = std
        self.cut = cut or float("inf")
        self.shrink = dims.num_sublayers**-0.5

    def value(self, draw: Tensor, role: Role) -> Tensor:
        """The starting value, same shape as the draw."""
        known = hashlib.sha256(draw.contiguous().numpy().tobytes()).hexdigest()
        other = stream(self.salt, "redrawn", known).standard_normal(draw.shape, dtype="float32")
        scale = self.std * self.shrink if role is Role.WRITE else self.std
        return scale * torch.from_numpy(other).to(draw.dtype).clamp(-self.cut, self.cut)

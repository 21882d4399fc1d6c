"""Slot `init`: from a standard normal draw to a starting value.

The draw depends on (seed, parameter name, shape) alone (core/rng.py); an init part maps it by the
parameter's role. Biases start at zero; all other roles keep what their part set (gains 1, streams
identity).

A part may also have `fit(model, roles, stream)`: called once before the first phase, with the role
of each parameter and the training batches, it sets parameters in place from the data.
"""

from typing import Protocol, runtime_checkable

from torch import Tensor

from partbench.core.roles import Role
from partbench.parts.init.depth_scaled import DepthScaled
from partbench.parts.init.fan_in import FanIn
from partbench.parts.init.normal import Normal
from partbench.parts.init.redrawn import Redrawn
from partbench.parts.init.warm import Warm


@runtime_checkable
class Init(Protocol):
    """A pure function of the draw and the role."""

    def value(self, draw: Tensor, role: Role) -> Tensor:
        """The starting value, same shape as the draw."""
        ...


PARTS = {
    "normal": Normal,
    "depth_scaled": DepthScaled,
    "fan_in": FanIn,
    "redrawn": Redrawn,
    "warm": Warm,
}

"""Llama 3's scaling of rotary positions: slow pairs are slowed, fast ones stay, a blend between.

    wavelength = 2 pi / theta_i
    wavelength < T0 / high: theta_i;   wavelength > T0 / low: theta_i / factor
    between: (1 - b) theta_i / factor + b theta_i,  b = (T0 / wavelength - low) / (high - low)

Paper: Grattafiori et al. 2024, arXiv:2407.21783 (Llama 3.1; the formula is in Meta's code).
"""

import math
from typing import ClassVar

from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.errors import ConfigError
from partbench.core.ranges import Count, Positive
from partbench.core.roles import Role
from partbench.parts.flow import Flow
from partbench.parts.position.turning import frequencies, refuse_odd, turned
from partbench.parts.shapes import Heads, Keys, Positions, Stream


class RotaryLlama3(nn.Module):
    """Rotary, slowed by wavelength.

    Settings: base; factor (1: plain rotary); trained, T0 (none: dims.context); low and high, in
    wavelengths within T0.
    Cost: as rotary. Raises ConfigError for an odd head width, or high not above low.
    """

    PROVIDES = ("left_padding",)
    ROLES: ClassVar[dict[str, Role]] = {}
    longest: int | None = None

    def __init__(
        self,
        dims: Dims,
        *,
        base: Positive = 500000.0,
        factor: Positive = 8.0,
        trained: Count | None = None,
        low: Positive = 1.0,
        high: Positive = 4.0,
    ) -> None:
        super().__init__()
        refuse_odd(dims, "rotary_llama3")
        if high <= low:
            raise ConfigError(f"position.high: {high} is not above low, {low}; give e.g. {4 * low}")
        self.base = base
        self.factor = factor
        self.trained = trained or dims.context
        self.low, self.high = low, high
        # Two parts of other settings share no table.
        self.name = f"rotary_llama3 {(base, factor, self.trained, low, high)}"

    def stream(self, x: Stream, flow: Flow) -> Stream:
        """The stream as it is."""
        return x

    def heads(self, x: Heads, flow: Flow) -> Heads:
        """Queries or keys turned by their positions [batch, head, time, head_width]."""
        width = x.shape[-1]
        return turned(x, flow, f"{self.name} {width}", lambda: self.frequencies(width))

    def scores(self, queries: Positions, keys: Keys) -> Tensor | None:
        """Nothing."""
        return None

    def frequencies(self, width: int) -> list[float]:
        """The slowed frequency of each of the width / 2 pairs, in radians a position."""
        found = []
        for theta in frequencies(self.base, width):
            waves = self.trained * theta / (2 * math.pi)  # wavelengths within the trained length
            kept = min(max((waves - self.low) / (self.high - self.low), 0.0), 1.0)
            found.append((1 - kept) * theta / self.factor + kept * theta)
        return found

"""YaRN: rotary positions for longer texts; fast pairs stay, slow ones are slowed, scores sharpened.

    turns a pair makes within T0:  r_i = T0 theta_i / (2 pi)
    r_i >= fast: theta_i;   r_i <= slow: theta_i / s;   between: blended by the pair's number
    queries and keys are multiplied by 0.1 ln s + 1

Paper: Peng et al. 2023, arXiv:2309.00071. As in Hugging Face, the blend is linear in the pair's
number between the two at which r is `fast` and `slow`.
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


class RotaryYaRN(nn.Module):
    """Rotary, slowed by pairs, for texts `factor` times as long as those trained on.

    Settings: base; factor, s (1: plain rotary); trained, T0 (none: dims.context); fast and slow, in
    turns; truncate rounds the two pair numbers outwards (gpt-oss does not); magnitude, on queries
    and on keys (none: 0.1 ln s + 1).
    Cost: as rotary. Raises ConfigError for an odd head width, base up to 1, or fast below
    slow.
    """

    PROVIDES = ("left_padding",)
    ROLES: ClassVar[dict[str, Role]] = {}
    longest: int | None = None

    def __init__(
        self,
        dims: Dims,
        *,
        base: Positive = 10000.0,
        factor: Positive = 4.0,
        trained: Count | None = None,
        fast: Positive = 32.0,
        slow: Positive = 1.0,
        truncate: bool = True,
        magnitude: Positive | None = None,
    ) -> None:
        super().__init__()
        refuse_odd(dims, "rotary_yarn")
        if base <= 1 or fast < slow:
            raise ConfigError(
                f"position: YaRN needs base above 1 and fast no less than slow; base {base}, "
                f"fast {fast}, slow {slow} are not; give e.g. 10000, 32 and 1"
            )
        self.base = base
        self.factor = factor
        self.trained = trained or dims.context
        self.fast, self.slow = fast, slow
        self.truncate = truncate
        own = 0.1 * math.log(factor) + 1 if factor > 1 else 1.0
        self.magnitude = own if magnitude is None else magnitude
        settings = (base, factor, self.trained, fast, slow, truncate, self.magnitude)
        self.name = f"rotary_yarn {settings}"  # two parts of other settings share no table

    def stream(self, x: Stream, flow: Flow) -> Stream:
        """The stream as it is."""
        return x

    def heads(self, x: Heads, flow: Flow) -> Heads:
        """Queries or keys turned by their positions [batch, head, time, head_width]."""
        width = x.shape[-1]
        return turned(
            x,
            flow,
            f"{self.name} {width}",
            lambda: self.frequencies(width),
            magnitude=self.magnitude,
        )

    def scores(self, queries: Positions, keys: Keys) -> Tensor | None:
        """Nothing."""
        return None

    def frequencies(self, width: int) -> list[float]:
        """The slowed frequency of each of the width / 2 pairs, in radians a position."""
        low, high = self._pair(self.fast, width), self._pair(self.slow, width)
        if self.truncate:
            low, high = math.floor(low), math.ceil(high)
        low, high = max(low, 0), min(high, width - 1)
        found = []
        for i, theta in enumerate(frequencies(self.base, width)):
            slowed = min(max((i - low) / max(high - low, 1e-3), 0.0), 1.0)
            found.append((1 - slowed) * theta + slowed * theta / self.factor)
        return found

    def _pair(self, turns: float, width: int) -> float:
        """The number of the pair that makes so many turns within the trained length."""
        ratio = math.log(self.trained / (2 * math.pi * turns))
        return width * ratio / (2 * math.log(self.base))

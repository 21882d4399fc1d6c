"""NTK-aware rotary positions: a larger base, so that a longer text turns no faster at its slowest.

    base' = base * factor^(d / (d - 2))

which leaves the fastest pair as it is and divides the slowest frequency by `factor`.
Source: bloc97 2023, "NTK-aware scaled RoPE"; written up in Peng et al. 2023, arXiv:2309.00071,
section 3.1.
"""

from typing import ClassVar

from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.ranges import Positive
from partbench.core.roles import Role
from partbench.parts.flow import Flow
from partbench.parts.position.turning import frequencies, refuse_odd, turned
from partbench.parts.shapes import Heads, Keys, Positions, Stream


def stretched(base: float, factor: float, width: int) -> float:
    """base * factor^(d / (d - 2)); a head of one pair, which never slows, keeps its base."""
    return base if width == 2 else base * factor ** (width / (width - 2))


class RotaryNTK(nn.Module):
    """Rotary with base * factor^(d / (d - 2)).

    Settings: base; factor, how much longer texts are to be than those trained on (1: plain rotary).
    Cost: as rotary. Raises ConfigError for an odd head width.
    """

    PROVIDES = ("left_padding",)
    ROLES: ClassVar[dict[str, Role]] = {}
    longest: int | None = None

    def __init__(self, dims: Dims, *, base: Positive = 10000.0, factor: Positive = 4.0) -> None:
        super().__init__()
        refuse_odd(dims, "rotary_ntk")
        self.base = base
        self.factor = factor

    def stream(self, x: Stream, flow: Flow) -> Stream:
        """The stream as it is."""
        return x

    def heads(self, x: Heads, flow: Flow) -> Heads:
        """Queries or keys turned by their positions [batch, head, time, head_width]."""
        width = x.shape[-1]
        base = stretched(self.base, self.factor, width)
        return turned(x, flow, f"rotary {base} {width}", lambda: frequencies(base, width))

    def scores(self, queries: Positions, keys: Keys) -> Tensor | None:
        """Nothing."""
        return None

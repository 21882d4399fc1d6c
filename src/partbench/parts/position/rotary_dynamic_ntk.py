"""Dynamic NTK: the base of rotary positions grows with the length of the text, once it is longer.

    s = factor * T / T0 - (factor - 1) for T > T0, else 1;   base' = base * s^(d / (d - 2))

Source: emozilla 2023, "Dynamically scaled RoPE"; as in Hugging Face's `dynamic` scaling.
"""

from typing import ClassVar

from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.errors import InputError
from partbench.core.ranges import Count, Positive
from partbench.core.roles import Role
from partbench.parts.flow import Flow
from partbench.parts.position.rotary_ntk import stretched
from partbench.parts.position.turning import frequencies, refuse_odd, turned
from partbench.parts.shapes import Heads, Keys, Positions, Stream


class RotaryDynamicNTK(nn.Module):
    """Plain rotary up to the trained length T0; beyond it NTK-aware for the length T there is.

    Settings: base; factor; trained, T0 (none: dims.context).
    Limits: beyond T0 every angle depends on T, so what is found at a position depends on how long
    the text is, and keys turned for a shorter text are stale. Going on from a cache beyond T0 is
    therefore refused (InputError); peers go on with stale keys.
    Cost: as rotary. Raises ConfigError for an odd head width.
    """

    PROVIDES = ("left_padding",)
    ROLES: ClassVar[dict[str, Role]] = {}
    longest: int | None = None

    def __init__(
        self,
        dims: Dims,
        *,
        base: Positive = 10000.0,
        factor: Positive = 2.0,
        trained: Count | None = None,
    ) -> None:
        super().__init__()
        refuse_odd(dims, "rotary_dynamic_ntk")
        self.base = base
        self.factor = factor
        self.trained = trained or dims.context

    def stream(self, x: Stream, flow: Flow) -> Stream:
        """The stream as it is; InputError where a cache would hold stale keys."""
        first, length = int(flow.positions[0]), int(flow.positions[-1]) + 1
        if first > 0 and length > self.trained:
            raise InputError(
                f"position=rotary_dynamic_ntk: {length} tokens from a cache, but beyond "
                f"{self.trained} its angles change with the length and cached keys are stale; "
                f"decode at most {self.trained}, or use rotary_ntk or rotary_yarn"
            )
        if flow.padding is not None and length > self.trained:
            raise InputError(
                f"position=rotary_dynamic_ntk: {length} tokens with padding, but beyond "
                f"{self.trained} its angles depend on each text's own length; give one text at a "
                f"time"
            )
        return x

    def heads(self, x: Heads, flow: Flow) -> Heads:
        """Queries or keys turned by their positions [batch, head, time, head_width]."""
        width, length = x.shape[-1], int(flow.positions[-1]) + 1
        factor = max(1.0, self.factor * length / self.trained - (self.factor - 1))
        base = stretched(self.base, factor, width)
        return turned(x, flow, f"rotary {base} {width}", lambda: frequencies(base, width))

    def scores(self, queries: Positions, keys: Keys) -> Tensor | None:
        """Nothing."""
        return None

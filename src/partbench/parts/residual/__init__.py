"""Slot `residual`: how what the sublayers write is carried through depth.

One object a model owns everything about the residual stream: its layout, how a sublayer reads from
it, how it writes back, and all norms on the way. So pre-norm, post-norm, hyper-connections, value
residuals, skips and attention over depth are parts, not models. State is explicit and opaque to
everybody else; sublayer l counts mixers and feed-forwards separately, 0 .. 2 depth - 1.
"""

from typing import Any, Protocol, runtime_checkable

from partbench.parts.residual.hyper_connections import HyperConnections
from partbench.parts.residual.post_norm import PostNorm
from partbench.parts.residual.pre_norm import PreNorm
from partbench.parts.shapes import Stream


@runtime_checkable
class Residual(Protocol):
    """h = begin(x);  u, h = read(l, h);  h = write(l, h, F_l(u));  x = end(h)."""

    def begin(self, x: Stream) -> Any:
        """The state that holds the embedded tokens."""
        ...

    def read(self, sublayer: int, state: Any) -> tuple[Stream, Any]:
        """What sublayer `sublayer` works on (normed where that is the way), and the state."""
        ...

    def write(self, sublayer: int, state: Any, output: Stream) -> Any:
        """The state after the sublayer has answered."""
        ...

    def end(self, state: Any) -> Stream:
        """What the head reads (normed where that is the way)."""
        ...


PARTS = {
    "pre_norm": PreNorm,
    "post_norm": PostNorm,
    "hyper_connections": HyperConnections,
}

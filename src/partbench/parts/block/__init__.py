"""Slot `block`: in which order a layer's mixer and ffn read and write the residual."""

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from partbench.parts.block.parallel import Parallel
from partbench.parts.block.serial import Serial
from partbench.parts.residual import Residual
from partbench.parts.shapes import Stream


@runtime_checkable
class Block(Protocol):
    """One layer. What it never calls does not learn, and the study will say so."""

    def forward(
        self,
        layer: int,
        state: Any,
        residual: Residual,
        mix: Callable[[Any], Stream],
        feed: Callable[[Any], Stream],
    ) -> Any:
        """The residual's state after the layer; its sublayers are 2 layer and 2 layer + 1.

        `mix` may be called once: in decoding it moves the layer's cache on.
        """
        ...


PARTS = {
    "serial": Serial,
    "parallel": Parallel,
}

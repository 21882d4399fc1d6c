"""Slot `position`: where a token stands. It may act in three places, and says so by returning.

On the stream (sinusoidal, learned), on queries and keys (rotary), on scores (linear biases). A list
is tiled over depth: each layer's mixer asks its own, and what acts on the stream does so once.
"""

from typing import Protocol, runtime_checkable

from torch import Tensor

from partbench.parts.flow import Flow
from partbench.parts.position.alibi import ALiBi
from partbench.parts.position.learned import Learned
from partbench.parts.position.none import NoPosition
from partbench.parts.position.rotary import Rotary
from partbench.parts.position.rotary_dynamic_ntk import RotaryDynamicNTK
from partbench.parts.position.rotary_llama3 import RotaryLlama3
from partbench.parts.position.rotary_ntk import RotaryNTK
from partbench.parts.position.rotary_yarn import RotaryYaRN
from partbench.parts.position.sinusoidal import Sinusoidal
from partbench.parts.shapes import Heads, Keys, Positions, Stream


@runtime_checkable
class Position(Protocol):
    """One object for all layers that share it; all three places exist, most do nothing."""

    longest: int | None  # the last position it knows plus one, or None without a limit

    def stream(self, x: Stream, flow: Flow) -> Stream:
        """The stream after the embedding, with positions added where that is the way."""
        ...

    def heads(self, x: Heads, flow: Flow) -> Heads:
        """Queries or keys (after their norm, before the product), or an even number of channels
        of them that a mixer sets apart for positions.
        """
        ...

    def scores(self, queries: Positions, keys: Keys) -> Tensor | None:
        """What is added to the scaled scores [head, query, key], or None."""
        ...


PARTS = {
    "none": NoPosition,
    "sinusoidal": Sinusoidal,
    "learned": Learned,
    "rotary": Rotary,
    "rotary_ntk": RotaryNTK,
    "rotary_dynamic_ntk": RotaryDynamicNTK,
    "rotary_yarn": RotaryYaRN,
    "rotary_llama3": RotaryLlama3,
    "alibi": ALiBi,
}

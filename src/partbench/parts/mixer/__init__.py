"""Slot `mixer`: what carries information from earlier positions to later ones."""

from typing import Any, Protocol, runtime_checkable

from partbench.parts.flow import Flow
from partbench.parts.mixer.attention import Attention
from partbench.parts.mixer.saffu import SAFFUMixer
from partbench.parts.shapes import Stream


@runtime_checkable
class Mixer(Protocol):
    """Causal: what comes out at t depends on positions up to t."""

    def forward(self, x: Stream, flow: Flow) -> Stream:
        """What is written back to the stream, for whole sequences."""
        ...

    def begin(self, batch: int, capacity: int) -> Any:
        """An empty cache for `batch` sequences of at most `capacity` positions."""
        ...

    def step(self, x: Stream, flow: Flow, state: Any) -> tuple[Stream, Any]:
        """The same as `forward` for the next positions, however a sequence is cut into pieces."""
        ...


PARTS = {"attention": Attention, "saffu": SAFFUMixer}

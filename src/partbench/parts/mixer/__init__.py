"""Slot `mixer`: what carries information from earlier positions to later ones."""

from typing import Any, Protocol, runtime_checkable

from partbench.parts.flow import Flow
from partbench.parts.mixer.attention import Attention
from partbench.parts.mixer.gated_deltanet import GatedDeltaNet
from partbench.parts.mixer.latent_attention import LatentAttention
from partbench.parts.mixer.linear_attention import LinearAttention
from partbench.parts.mixer.mamba2 import Mamba2
from partbench.parts.mixer.saffu import SAFFUMixer
from partbench.parts.mixer.short_convolution import ShortConvolution
from partbench.parts.shapes import Reads, Stream


@runtime_checkable
class Mixer(Protocol):
    """Causal: what comes out at t depends on positions up to t."""

    def forward(self, x: Reads, flow: Flow) -> Stream:
        """What is written back to the stream, for whole sequences."""
        ...

    def begin(self, batch: int, capacity: int) -> Any:
        """An empty cache for `batch` sequences of at most `capacity` positions."""
        ...

    def step(self, x: Reads, flow: Flow, state: Any) -> tuple[Stream, Any]:
        """The same as `forward` for the next positions, however a sequence is cut into pieces."""
        ...


PARTS = {
    "attention": Attention,
    "short_convolution": ShortConvolution,
    "linear_attention": LinearAttention,
    "gated_deltanet": GatedDeltaNet,
    "mamba2": Mamba2,
    "latent_attention": LatentAttention,
    "saffu": SAFFUMixer,
}

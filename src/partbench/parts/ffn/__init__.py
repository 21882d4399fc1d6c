"""Slot `ffn`: what happens to each position by itself."""

from typing import Protocol, runtime_checkable

from partbench.parts.ffn.geglu import GeGLU
from partbench.parts.ffn.mixture_of_experts import MixtureOfExperts
from partbench.parts.ffn.mlp import MLP
from partbench.parts.ffn.reglu import ReGLU
from partbench.parts.ffn.relu_squared import ReLUSquared
from partbench.parts.ffn.swiglu import SwiGLU
from partbench.parts.flow import Flow
from partbench.parts.shapes import Stream


@runtime_checkable
class FeedForward(Protocol):
    """A map of each position; the same for all of them."""

    def forward(self, x: Stream, flow: Flow) -> Stream:
        """What is written back to the stream."""
        ...


PARTS = {
    "mlp": MLP,
    "relu_squared": ReLUSquared,
    "swiglu": SwiGLU,
    "geglu": GeGLU,
    "reglu": ReGLU,
    "mixture_of_experts": MixtureOfExperts,
}

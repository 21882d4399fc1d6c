"""Slot `norm`: brings a vector to a standard size."""

from typing import Protocol, runtime_checkable

from partbench.parts.norm.dynamic_erf import DynamicErf
from partbench.parts.norm.dynamic_tanh import DynamicTanh
from partbench.parts.norm.layernorm import LayerNorm
from partbench.parts.norm.rmsnorm import RMSNorm
from partbench.parts.norm.rmsnorm_about_one import RMSNormAboutOne
from partbench.parts.shapes import Vectors


@runtime_checkable
class Norm(Protocol):
    """Built for a width; acts on the last axis of anything."""

    def forward(self, x: Vectors) -> Vectors:
        """The normalised vector, same shape."""
        ...


PARTS = {
    "layernorm": LayerNorm,
    "rmsnorm": RMSNorm,
    "rmsnorm_about_one": RMSNormAboutOne,
    "dynamic_tanh": DynamicTanh,
    "dynamic_erf": DynamicErf,
}

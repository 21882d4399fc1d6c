"""Slot `router`: from scores to shares, where a few are weighed that are no positions (experts).

The maps live in the folder `probability`; here are those that know no heads and no positions.
"""

from typing import Protocol, runtime_checkable

from partbench.parts.probability.shiftmax import ShiftMax
from partbench.parts.probability.sigmoid import Sigmoid
from partbench.parts.probability.softmax import Softmax
from partbench.parts.probability.softmax1 import Softmax1
from partbench.parts.probability.sparsemax import Sparsemax
from partbench.parts.probability.spherical import SphericalSoftmax
from partbench.parts.probability.taylor import TaylorSoftmax
from partbench.parts.probability.tempered_softmax import TemperedSoftmax
from partbench.parts.shapes import Choices


@runtime_checkable
class Router(Protocol):
    """Acts on the last axis; a score of minus infinity marks what may not be chosen.

    Whoever asks for a router decides whether the shares of the chosen are made to sum to one.
    """

    def forward(self, scores: Choices) -> Choices:
        """Shares from 0 up, same shape; zero where the score is minus infinity."""
        ...


PARTS = {
    "softmax": Softmax,
    "tempered_softmax": TemperedSoftmax,
    "softmax1": Softmax1,
    "shiftmax": ShiftMax,
    "sigmoid": Sigmoid,
    "taylor": TaylorSoftmax,
    "spherical": SphericalSoftmax,
    "sparsemax": Sparsemax,
}

"""Slot `probability`: from scores to weights that sum to one (or nearly)."""

from typing import Protocol, runtime_checkable

from partbench.parts.probability.softmax import Softmax
from partbench.parts.shapes import Scores


@runtime_checkable
class Probability(Protocol):
    """Acts on the last axis; a score of minus infinity marks what may not be chosen.

    PROVIDES "fused_attention" where torch's fused attention computes exactly this map.
    """

    PROVIDES: tuple[str, ...]

    def forward(self, scores: Scores) -> Scores:
        """Weights, same shape; zero where the score is minus infinity."""
        ...


PARTS = {"softmax": Softmax}

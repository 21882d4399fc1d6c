"""Slot `probability`: from the scores of attention to weights.

The maps for gates and routers, with other promises, are listed by the slot `router`.
"""

from typing import Protocol, runtime_checkable

from partbench.parts.probability.entmax15 import Entmax15
from partbench.parts.probability.relu import ReLU
from partbench.parts.probability.sigmoid import Sigmoid
from partbench.parts.probability.sinks import Sinks
from partbench.parts.probability.softmax import Softmax
from partbench.parts.probability.softmax1 import Softmax1
from partbench.parts.probability.sparsemax import Sparsemax
from partbench.parts.shapes import Scores


@runtime_checkable
class Probability(Protocol):
    """Acts on the last axis; a score of minus infinity marks what may not be chosen.

    PROVIDES "fused_attention" where torch's fused attention computes exactly this map;
    "fused_sink" where it does beside one more score, given by the part's `sink()`, one for all
    heads or one a head;
    "any_sum" where weights may sum to more than one.
    """

    PROVIDES: tuple[str, ...]

    def forward(self, scores: Scores) -> Scores:
        """Weights, same shape; zero where the score is minus infinity."""
        ...


PARTS = {
    "softmax": Softmax,
    "softmax1": Softmax1,
    "sinks": Sinks,
    "sigmoid": Sigmoid,
    "relu": ReLU,
    "sparsemax": Sparsemax,
    "entmax15": Entmax15,
}

"""Slot `head`: from the stream to the vocabulary, and the loss there."""

from typing import Protocol, runtime_checkable

from torch import Tensor

from partbench.parts.head.answer import Answer
from partbench.parts.head.linear import LinearHead
from partbench.parts.head.mapped import MappedHead
from partbench.parts.head.tied import TiedHead
from partbench.parts.shapes import Logits, Losses, Stream, Tokens


@runtime_checkable
class Head(Protocol):
    """Logits when asked for them; losses without holding all logits where they are many."""

    def forward(self, x: Stream) -> Logits:
        """Unnormalised log-probabilities of the next token."""
        ...

    def __call__(self, x: Stream) -> Logits:
        """`forward`, as torch calls it."""
        ...

    def score(self, x: Stream, targets: Tokens, weights: Tensor) -> tuple[Losses, Tensor] | Answer:
        """Nats of each target and the auxiliary z-loss, or an `Answer` with what was right too."""
        ...


PARTS = {"linear": LinearHead, "tied": TiedHead, "mapped": MappedHead}

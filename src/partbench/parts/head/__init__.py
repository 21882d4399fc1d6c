"""Slot `head`: from the stream to the vocabulary, and the loss there."""

from typing import Protocol, runtime_checkable

from torch import Tensor

from partbench.parts.head.linear import LinearHead
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

    def score(self, x: Stream, targets: Tokens, weights: Tensor) -> tuple[Losses, Tensor]:
        """Negative log-likelihood of each target in nats, and the auxiliary z-loss."""
        ...


PARTS = {"linear": LinearHead, "tied": TiedHead}

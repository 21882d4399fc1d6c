"""Slot `data`: what training windows are drawn from; what is scored stays as it is."""

from typing import Protocol, runtime_checkable

from partbench.data.corpora import Corpus
from partbench.data.stretch import Source
from partbench.data.training.deduplicated import Deduplicated
from partbench.data.training.mixture import Mixture
from partbench.data.training.noise import Noise
from partbench.data.training.whole import Whole


class TrainingData(Protocol):
    """A pure function of the training part: the corpus without the fold that is held out."""

    def prepare(self, training: Source) -> list[Source]:
        """What to draw from; shares sum to one. The first takes what no other is drawn for.

        Windows that stay with the first come from the same places as without this part where its
        stretches keep their lengths.
        """
        ...


@runtime_checkable
class BringsText(Protocol):
    """A part that brings texts of its own, which belong to the identity of a cell."""

    corpora: tuple[Corpus, ...]


PARTS = {
    "whole": Whole,
    "deduplicated": Deduplicated,
    "noise": Noise,
    "mixture": Mixture,
}

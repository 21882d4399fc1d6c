"""Mixture: a share of the training windows comes from another text.

    each window:  with probability `share` from the other text, else from where it came without it

Source: this file; mixing weights as what a data set is: Gao et al. 2020, arXiv:2101.00027.
"""

from partbench.core.errors import ConfigError, DataError
from partbench.core.ranges import Share
from partbench.data.corpora import open_corpus
from partbench.data.stretch import Source, Stretch


class Mixture:
    """Two texts by shares; only the first is held out from and scored on.

    Settings: corpus and text_column, the other text, as for the task; share of its windows.
    Cost: the tokens of the other text, once; kept in the cache.
    Raises ConfigError for a share of 0, DataError where one text is text and the other tokens.
    """

    def __init__(
        self, *, corpus: str = "shakespeare", text_column: str = "text", share: Share = 0.5
    ) -> None:
        if not share:
            raise ConfigError("data.share: 0 mixes nothing in; give a share above 0 and below 1")
        self.corpora = (open_corpus(corpus, text_column),)
        self.share = share

    def prepare(self, training: Source) -> list[Source]:
        """The training part, and the other text beside it."""
        other = self.corpora[0]
        if any(stretch.raw.dtype != other.dtype for stretch in training.stretches):
            raise DataError(
                f"corpus {other.name!r}: text cannot be mixed with ready tokens; give two texts or "
                f"two of the same tokens"
            )
        return [
            Source(training.stretches, 1.0 - self.share),
            Source((Stretch(other.data(), other.sha256),), self.share),
        ]

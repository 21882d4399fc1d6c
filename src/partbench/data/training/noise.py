"""Noise: at a rate, characters are replaced by others of the same text.

    with probability `rate`:  x_i <- x_j,  j uniform over the replaceable places near i

so that length, word count in expectation and the frequencies of characters stay.
Source: this file; replaced characters as noise on text: Belinkov and Bisk 2017, arXiv:1711.02173.
"""

from collections.abc import Iterator

import numpy as np

from partbench.core.ranges import Share
from partbench.core.rng import stream
from partbench.data import cache
from partbench.data.stretch import Source, Stretch

PIECE = 1 << 20


class Noise:
    """The same places are wrong in every pass over the text and under every seed.

    Settings: rate, the share of characters that are drawn anew (some draw what they were).
    Limits: in text only ASCII characters are replaced, by one another, so that it stays UTF-8; of
    ready tokens any.
    Cost: one pass over the training part, once; kept in the cache.
    """

    def __init__(self, *, rate: Share = 0.05) -> None:
        self.rate = rate

    def prepare(self, training: Source) -> list[Source]:
        """The same stretches, as long as they were, with wrong characters."""
        found = [self._noisy(stretch.named(), i) for i, stretch in enumerate(training.stretches)]
        return [Source(tuple(found))]

    def _noisy(self, stretch: Stretch, place: int) -> Stretch:
        raw, identity = stretch.raw, f"{stretch.identity} noise {self.rate!r} {place}"

        def pieces() -> Iterator[np.ndarray]:
            for start in range(0, len(raw), PIECE):
                piece = raw[start : start + PIECE].copy()
                draws = stream(0, "noise", place, start)
                able = (
                    np.flatnonzero(piece < 128) if raw.dtype == np.uint8 else np.arange(len(piece))
                )
                hit = able[draws.random(len(able)) < self.rate]
                if len(hit):
                    piece[hit] = piece[able[draws.integers(0, len(able), len(hit))]]
                yield piece

        return Stretch(cache.kept(identity, raw.dtype, pieces), identity)

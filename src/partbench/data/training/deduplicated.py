"""Deduplication: what was said once is not said again.

    a paragraph (or line) is left out where an earlier one has the same words, or nearly the same

Paper: Lee et al. 2021, arXiv:2107.06499 (fewer duplicates, better models at equal tokens).
"""

import hashlib
from collections.abc import Iterator
from typing import Literal

import numpy as np

from partbench.core.errors import ConfigError, DataError
from partbench.core.ranges import Share
from partbench.data import cache
from partbench.data.stretch import Source, Stretch
from partbench.data.training.minhash import Seen

LEAST = 0.5
PIECE = 1 << 20


class Deduplicated:
    """The first of each stays, in order. Blanks do not count in a comparison.

    Settings: unit, "paragraph" (what stands between blank lines; documents that were imported are
    one or more) or "line"; near, the share of common runs of five words from which two are the same
    (MinHash of 128 numbers; 0: only equal ones are).
    Cost: 32 bytes of memory a unit, with `near` 3 kB; kept in the cache.
    Raises ConfigError for `near` between 0 and 0.5, DataError for ready tokens.
    """

    def __init__(
        self, *, unit: Literal["paragraph", "line"] = "paragraph", near: Share = 0.0
    ) -> None:
        if 0 < near < LEAST:
            raise ConfigError(
                f"data.near: {near:g} is below {LEAST:g}, from which near-duplicates are found; "
                f"0 leaves out equal ones alone"
            )
        self.unit, self.near = unit, near

    def prepare(self, training: Source) -> list[Source]:
        """One stretch, without what was there before."""
        if any(stretch.raw.dtype != np.uint8 for stretch in training.stretches):
            raise DataError(
                "data=deduplicated: ready tokens have no paragraphs; deduplicate the text they "
                "were made of"
            )
        named = [stretch.named() for stretch in training.stretches]
        identity = " ".join(stretch.identity for stretch in named)
        identity += f" deduplicated {self.unit} {self.near!r}"
        raw = cache.kept(identity, np.uint8, lambda: self._pieces(named))
        return [Source((Stretch(raw, identity),))]

    def _pieces(self, stretches: list[Stretch]) -> Iterator[np.ndarray]:
        """What stays, as one stretch: units that were apart now follow each other anyway."""
        mark = b"\n\n" if self.unit == "paragraph" else b"\n"
        seen: set[bytes] = set()
        near = Seen(self.near) if self.near else None
        between, blank = b"", False
        for stretch in stretches:
            for unit in _units(stretch.raw, mark):
                words = b" ".join(unit.split())
                key = hashlib.blake2b(words, digest_size=16).digest()
                # Blank lines are no duplicates, but what stood between two of them may be gone.
                again = (
                    blank if not words else key in seen or (near is not None and near.like(words))
                )
                if not again:
                    yield np.frombuffer(between + unit, np.uint8)
                    between = mark
                    blank = not words
                    if words:
                        seen.add(key)


def _units(raw: np.ndarray, mark: bytes) -> Iterator[bytes]:
    """The text between marks, whatever the size, a piece of it in memory at a time."""
    rest = b""
    for start in range(0, len(raw), PIECE):
        *whole, rest = (rest + raw[start : start + PIECE].tobytes()).split(mark)
        yield from whole
    yield rest

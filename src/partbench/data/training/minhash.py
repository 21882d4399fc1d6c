"""MinHash: how much two texts share, from a few numbers of each.

    s_k(T) = min over shingles x of T of h_k(x);   P(s_k(A) = s_k(B)) = |A and B| / |A or B|

shingles: runs of five words. Candidates share one of the bands of rows (locality-sensitive
hashing), and are then compared by all numbers.
Papers: Broder 1997, "On the resemblance and containment of documents"; near-duplicates in training
text: Lee et al. 2021, arXiv:2107.06499.
"""

import zlib

import numpy as np

from partbench.core.rng import stream

WORDS = 5
BANDS, ROWS = 32, 4
"""A pair that shares half of its shingles is a candidate with probability .87, nine tenths: 1."""


class Seen:
    """The texts seen so far, by their signatures."""

    def __init__(self, similarity: float) -> None:
        draws = stream(0, "minhash")
        high = np.iinfo(np.uint64).max
        self.factors = draws.integers(1, high, BANDS * ROWS, np.uint64) | np.uint64(1)
        self.offsets = draws.integers(0, high, BANDS * ROWS, np.uint64)
        self.similarity = similarity
        self.bands: dict[bytes, list[int]] = {}
        self.signatures: list[np.ndarray] = []

    def like(self, text: bytes) -> bool:
        """Whether a text like this one was seen; if not, it is seen from now on.

        A text of fewer than five words is like none.
        """
        words = text.split()
        runs = {b" ".join(words[i : i + WORDS]) for i in range(len(words) - WORDS + 1)}
        if not runs:
            return False
        shingles = np.array([zlib.crc32(run) for run in runs], np.uint64)
        # Multiply, add, shift: the high half of a product that wraps is a hash of its own.
        hashed = (shingles[:, None] * self.factors + self.offsets) >> np.uint64(32)
        own = hashed.min(axis=0)
        keys = [
            bytes([band]) + own[band * ROWS : (band + 1) * ROWS].tobytes() for band in range(BANDS)
        ]
        candidates = {place for key in keys for place in self.bands.get(key, ())}
        for place in candidates:
            if (self.signatures[place] == own).mean() >= self.similarity:
                return True
        for key in keys:
            self.bands.setdefault(key, []).append(len(self.signatures))
        self.signatures.append(own)
        return False

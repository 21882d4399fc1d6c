"""Noise: what takes an input token's key to its output token's, and its codes.

    n = K[a] - K[b]  mod 1,     so that K[a] - n = K[b] exactly, in whole numbers

A code is a noise cut to its first q interleaved digits: the name of its bucket in the digit index.
All digits (q = 0) make every noise its own code. A code's centre is the mean of its noises.
Source: the note finds noise by random proposals; the closed form, arithmetic mod 1 (a noise is then
a key itself) and codes by prefix are ours. `proposed` keeps the search, to measure what is saved.
"""

from typing import NamedTuple

import numpy as np

from partbench.core import rng
from partbench.models.noise_keys.index import DigitIndex
from partbench.models.noise_keys.tally import Tally, mixed

Array = np.ndarray


class Noises(NamedTuple):
    """The arithmetic of keys with `places` digits, and codes of `code_digits` (0 for all)."""

    places: int
    code_digits: int

    def between(self, a: Array, b: Array) -> Array:
        """n with K[a] - n = K[b]; keys int64 [..., D]."""
        return (a - b) % 10**self.places

    def applied(self, a: Array, noise: Array) -> Array:
        """Where `noise` takes keys `a`."""
        return (a - noise) % 10**self.places

    def cut(self, noise: Array) -> tuple[Array, Array]:
        """The code of each noise [..., D], int64 [...], and its noise's distance from the middle
        of the code's cell, int64 [..., D] (0 where every noise is its own code)."""
        if not self.code_digits:
            return mixed(*np.moveaxis(noise, -1, 0)), np.zeros_like(noise)
        axes = noise.shape[-1]
        # The first coordinates get one digit more where q is no multiple of D.
        kept = (self.code_digits + axes - 1 - np.arange(axes)) // axes
        cell = 10 ** np.maximum(0, self.places - kept).astype(np.int64)
        low = noise // cell * cell
        return mixed(*np.moveaxis(low, -1, 0)), noise - low - cell // 2


def centres(book: Tally) -> Array:
    """Mean noise of each code, int64 [codes, D], of a tally (code) -> (count, sum of noise)."""
    return book.counts[:, 1:] // np.maximum(book.counts[:, :1], 1)


def proposed(index: DigitIndex, a: Array, b: Array, budget: int, seed: int) -> tuple[Array, Array]:
    """Noise by random proposals: the first of `budget` that snaps each key a to token b.

    a: keys [pairs, D]; b: token numbers [pairs]. Returns noise int64 [pairs, D] and how many
    proposals it took, `budget + 1` where none did. The note's search; the closed form takes none.
    """
    top = 10**index.metric.places
    noise, took = np.zeros_like(a), np.full(len(a), budget + 1)
    for number in range(1, budget + 1):
        open_ = np.flatnonzero(took > budget)
        if not len(open_):
            break
        drawn = rng.stream(seed, "proposal", number).integers(0, top, a.shape)[open_]
        hit = index.query((a[open_] - drawn) % top)[0][:, 0] == b[open_]
        noise[open_[hit]], took[open_[hit]] = drawn[hit], number
    return noise, took

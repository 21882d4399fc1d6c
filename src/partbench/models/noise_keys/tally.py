"""Counts that add up in any order and can be taken away again: what the model learns is a tally.

A row is a key of whole numbers, sorted, and counts of whole numbers. Adding pairs one at a time, in
batches, or in another order gives the same rows to the bit, and so does taking away what was added.
Source: "unlearning a pair restores the previous state exactly" is what whole numbers give for free.
"""

import numpy as np

from partbench.core.errors import DataError

Array = np.ndarray


class Tally:
    """Sorted `keys` int64 [rows, columns] and `counts` int64 [rows, values].

    The first count says how often a key was seen; a row where it is 0 is not there.
    """

    def __init__(self, columns: int, values: int = 1) -> None:
        self.keys = np.zeros((0, columns), np.int64)
        self.counts = np.zeros((0, values), np.int64)

    def with_added(self, keys: Array, counts: Array, sign: int) -> tuple[Array, Array]:
        """The rows with `counts` [m, values] added (sign 1) or taken away (-1) at `keys`.

        Raises DataError for taking away what was never added; nothing is changed here, `put` does.
        """
        every = np.concatenate([self.keys, keys])
        amounts = np.concatenate([self.counts, sign * counts])
        if not len(every):
            return every, amounts
        order = np.lexsort(every.T[::-1])
        every, amounts = every[order], amounts[order]
        first = np.flatnonzero(np.any(np.diff(every, axis=0, prepend=every[:1] - 1), axis=1))
        every, amounts = every[first], np.add.reduceat(amounts, first, axis=0)
        if amounts[:, 0].min() < 0:
            raise DataError("what was never learned cannot be unlearned; nothing was changed")
        there = amounts[:, 0] > 0
        return every[there], amounts[there]

    def put(self, rows: tuple[Array, Array]) -> None:
        """Take over rows that `with_added` gave, or that were loaded."""
        self.keys, self.counts = rows

    @property
    def nbytes(self) -> int:
        """8 bytes a column, value and row."""
        return self.keys.nbytes + self.counts.nbytes


def mixed(*columns: Array) -> Array:
    """A 64-bit fingerprint of rows of whole numbers, int64.

    splitmix64 (Steele, Lea and Flood 2014). Two of n rows share one with chance n^2 / 2^65: a
    millionth at six million. Such rows are counted as one; nothing else goes wrong.
    """
    found = np.zeros(np.broadcast_shapes(*(np.shape(c) for c in columns)), np.uint64)
    with np.errstate(over="ignore"):
        for column in columns:
            found = found * np.uint64(0x9E3779B97F4A7C15) + np.asarray(column).astype(np.uint64)
            found = found + np.uint64(0x9E3779B97F4A7C15)
            found = (found ^ (found >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            found = (found ^ (found >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            found = found ^ (found >> np.uint64(31))
    return found.astype(np.int64)

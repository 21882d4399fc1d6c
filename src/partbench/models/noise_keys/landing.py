"""Where keys land, and what that makes likely: p(v) from distances to the keys near by.

    p(v) = sum over entries of weight g(dist(landing, K[v]))  +  rest floor(v)

g is a probability map over the `reach` nearest tokens, of -distance / T; all others get nothing, so
that a step costs the same for a vocabulary of 50,000 as for one of 256.
Source: the note takes the nearest key alone; the map and its temperature are ours.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from partbench.models.noise_keys.index import DigitIndex

Array = np.ndarray
Map = Callable[[Tensor], Tensor]
LARGEST = 1 << 20
"""Landings that are remembered, at most."""


class Spread(NamedTuple):
    """A distribution over tokens at each position, by its few entries.

    position, row: int64 [entries], weight: float64 [entries]; row is one of tokens int64 and
    distance int32 [rows, reach]. rest: float64 [positions], what goes to the floor.
    """

    position: Array
    row: Array
    weight: Array
    tokens: Array
    distance: Array
    rest: Array


class Landings:
    """Nearest tokens of (input token, code) pairs, each looked up once."""

    def __init__(self, index: DigitIndex, reach: int) -> None:
        self.index = index
        self.reach = min(reach, max(1, len(index)))
        self.forget()

    def forget(self) -> None:
        """The centres have changed."""
        self.pairs = np.zeros(0, np.int64)
        self.tokens = np.zeros((0, self.reach), np.int64)
        self.distance = np.zeros((0, self.reach), np.int32)

    def near(self, keys: Array) -> tuple[Array, Array]:
        """Tokens and distances [keys, reach] of landings `keys` [keys, D]."""
        return self.index.query(keys, self.reach)

    def rows(self, pairs: Array, key_of: Callable[[Array], Array]) -> Array:
        """Row of `tokens` and `distance` for each pair, a whole number; key_of says where new
        pairs land."""
        wanted, back = np.unique(pairs, return_inverse=True)
        at = np.searchsorted(self.pairs, wanted)
        known = np.zeros(len(wanted), bool)
        inside = at < len(self.pairs)
        known[inside] = self.pairs[at[inside]] == wanted[inside]
        new = wanted[~known]
        if len(new):
            if len(self.pairs) + len(new) > LARGEST:
                self.forget()
                return self.rows(pairs, key_of) if known.any() else self._added(new, key_of)[back]
            self._added(new, key_of)
            at = np.searchsorted(self.pairs, wanted)
        return at[back]

    def _added(self, new: Array, key_of: Callable[[Array], Array]) -> Array:
        tokens, distance = self.near(key_of(new))
        place = np.searchsorted(self.pairs, new)
        self.pairs = np.insert(self.pairs, place, new)
        self.tokens = np.insert(self.tokens, place, tokens, axis=0)
        self.distance = np.insert(self.distance, place, distance, axis=0)
        return np.searchsorted(self.pairs, new)


def closeness(distance: Array, temperature: float, unit: float, g: Map) -> Array:
    """g of distances [rows, reach], float64, rows that sum to one.

    Rows are those of a map whose weights may sum to less than one, scaled.
    """
    scores = torch.from_numpy(distance * (-unit / temperature))
    weights = g(scores).double().numpy()
    total = weights.sum(1, keepdims=True)
    return np.where(total > 0, weights / np.where(total > 0, total, 1), 1 / distance.shape[1])


def chances(spread: Spread, wanted: Array, floor: Array, near: Callable[[Array], Array]) -> Array:
    """p(wanted token) at each position, float64; near: `closeness` of rows of distances."""
    hit = spread.tokens[spread.row] == wanted[spread.position, None]
    entry, column = np.nonzero(hit)
    row = spread.row[entry]
    used, back = np.unique(row, return_inverse=True)
    weight = near(spread.distance[used])[back, column] if len(used) else np.zeros(0)
    position = spread.position[entry]
    found = np.bincount(position, weight * spread.weight[entry], len(wanted))
    return found + spread.rest * floor[wanted]


def dense(spread: Spread, floor: Array, near: Callable[[Array], Array]) -> Array:
    """p of every token at each position, float64 [positions, vocab]."""
    found = spread.rest[:, None] * floor
    if len(spread.row):
        weight = near(spread.distance)[spread.row] * spread.weight[:, None]
        np.add.at(found, (spread.position[:, None], spread.tokens[spread.row]), weight)
    return found

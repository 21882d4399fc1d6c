"""Signatures of a sentence: statistics of the numbers between its tokens.

    pair(x, y) = |x - y| / 2  (the note's "mean"), or (x + y) / 2
    full: every pair;  scattershot: every pair of some places;
    pyramid: L0 = adjacent pairs, L(k+1) = adjacent pairs of L(k)
    signature = (mean, standard deviation, variance, L2 / sqrt(n), L1 / n) of each coordinate

Norms are divided by the number of values, or a signature would above all tell the length.
Source: the note; the true mean as an alternative and the scaling are ours.
"""

import numpy as np

from partbench.core import rng
from partbench.core.errors import ConfigError

Array = np.ndarray
PAIRS = ("half_difference", "mean")
KINDS = ("pyramid", "full", "scattershot")
STATISTICS = 5
SCATTERED = 4
"""Places that a scattershot signature looks at."""


def paired(x: Array, y: Array, pair: str) -> Array:
    """The number between two."""
    return np.abs(x - y) / 2 if pair == "half_difference" else (x + y) / 2


def between(keys: Array, kind: str, layer: int, pair: str, seed: int = 0) -> Array:
    """The numbers of one layer: keys [..., time, D] -> [..., n, D]; n >= 1.

    A pyramid over too short a sentence ends at its top; a single token stands for itself. Layer -1
    is the keys themselves.
    """
    time = keys.shape[-2]
    if kind not in KINDS:
        raise ConfigError(f"signature: no kind '{kind}'; one of: {', '.join(KINDS)}")
    if time < 2 or layer < 0:
        return keys
    if kind == "pyramid":
        for _ in range(min(layer + 1, time - 1)):
            keys = paired(keys[..., :-1, :], keys[..., 1:, :], pair)
        return keys
    if kind == "scattershot":
        chosen = rng.stream(seed, "scattershot", layer, time).permutation(time)[:SCATTERED]
        keys = keys[..., np.sort(chosen), :]
    one, other = np.triu_indices(keys.shape[-2], 1)
    return paired(keys[..., one, :], keys[..., other, :], pair)


def statistics(numbers: Array) -> Array:
    """[..., n, D] -> [..., 5 D]: mean, standard deviation, variance, L2 and L1 norm."""
    mean, variance = numbers.mean(-2), numbers.var(-2)
    norms = np.sqrt(np.square(numbers).mean(-2)), np.abs(numbers).mean(-2)
    return np.concatenate([mean, np.sqrt(variance), variance, *norms], axis=-1)


def signature(keys: Array, kind: str, layer: int, pair: str = "half_difference") -> Array:
    """The signature of one layer of sentences [..., time, D], keys in [0, 1): [..., 5 D]."""
    return statistics(between(keys, kind, layer, pair))


class Growing:
    """A pyramid's signatures of layers up to `layers`, kept up to date token by token.

    O(depth) a token: of each layer the last value, and sums of n, x, x^2 and |x|.
    """

    def __init__(self, layers: int, axes: int, pair: str = "half_difference") -> None:
        self.pair = pair
        self.last: list[Array | None] = [None] * (layers + 2)
        self.sums = np.zeros((layers + 2, 3, axes))
        self.number = np.zeros(layers + 2)

    def append(self, key: Array) -> None:
        """One token more, its key [D] in [0, 1)."""
        value: Array | None = np.asarray(key, float)
        for depth in range(len(self.last)):
            if value is None:
                break
            self.number[depth] += 1
            self.sums[depth] += np.stack([value, value**2, np.abs(value)])
            before, self.last[depth] = self.last[depth], value
            value = None if before is None else paired(before, value, self.pair)

    def signature(self, layer: int) -> Array:
        """As `signature` of the whole sentence gives, [5 D], up to rounding."""
        depth = layer + 1
        while depth and not self.number[depth]:
            depth -= 1
        mean, square, size = self.sums[depth] / self.number[depth]
        variance = np.maximum(square - mean**2, 0)
        return np.concatenate([mean, np.sqrt(variance), variance, np.sqrt(square), size])


def unfolded(numbers: Array, first: Array, table: Array, tolerance: float = 1e-9) -> Array | None:
    """Tokens whose layer 0 is `numbers` [n, D], from the first token's key: "uncompressing".

    A search over signs that must snap to keys: y = x + 2 d or x - 2 d in every coordinate. Returns
    token numbers [n + 1], or None where no signs lead to keys of the table [vocab, D] all along.
    """
    start = np.flatnonzero(np.abs(table - first).max(1) <= tolerance)
    paths = [[int(token)] for token in start]
    for gap in numbers:
        step = []
        for path in paths:
            near = np.abs(np.abs(table - table[path[-1]]) / 2 - gap).max(1) <= tolerance
            step += [[*path, int(token)] for token in np.flatnonzero(near)]
        paths = step
    return np.array(paths[0]) if paths else None

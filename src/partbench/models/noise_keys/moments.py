"""The middle layer: from an input's moments to those its output should have, and when to stop.

    b = a - n:   mean(b) = mean(a) - mean(n),   var(b) = var(a) + var(n) - 2 cov(a, n)     exact
    kernel regression:  value(query) = sum_i k(query, key_i) value_i / sum_i k(query, key_i)

"Middle" takes the mean over all training pairs of mean(n), var(n) and cov(a, n); it is built first.
"Kernel" weighs past pairs by how near their inputs' signatures are. Values: mean, standard
deviation, variance (of each coordinate) and length of the output's keys.
Source: query, key and value are the note's words; the regression and the tolerance are ours.
"""

from typing import NamedTuple

import numpy as np

from partbench.models.noise_keys.signatures import signature

Array = np.ndarray


class Intended(NamedTuple):
    """What an output should be like: mean and variance of its keys [D], its length, and the
    shortest and longest length there is reason to expect."""

    mean: Array
    variance: Array
    length: float
    shortest: int
    longest: int


def identity(a: Array, n: Array) -> tuple[Array, Array]:
    """(mean, variance) of b = a - n from the moments of a and n [steps, D], exactly."""
    covariance = ((a - a.mean(0)) * (n - n.mean(0))).mean(0)
    return a.mean(0) - n.mean(0), a.var(0) + n.var(0) - 2 * covariance


class Middle:
    """What many pairs say of their noise on average; adds up, so a pair can be taken away.

    Of each pair only whole-number sums are kept: of n, n^2 and a n per step, and of the lengths.
    Steps are those of the longer side, the last emission fed back where the input is over.
    """

    def __init__(self, axes: int) -> None:
        self.sums = np.zeros((3, axes), dtype=object)  # whole numbers of any size
        self.pairs = 0
        self.lengths: dict[tuple[int, int], int] = {}

    def add(self, a: Array, n: Array, length: tuple[int, int], sign: int = 1) -> None:
        """Add (or with sign -1 take away) a pair: its steps' whole-number keys a and noise n
        [steps, D], and the lengths of its input and output."""
        each = np.stack([n.sum(0), (n * n).sum(0), (a * n).sum(0)]).astype(object)
        # Means of means, in whole numbers: each pair counts the same however long it is.
        self.sums = self.sums + sign * (each * SHARES // len(a))
        self.pairs += sign
        left = self.lengths.get(length, 0) + sign
        self.lengths = {**self.lengths, length: left}
        if not left:
            del self.lengths[length]

    def intended(self, keys: Array, top: int) -> Intended:
        """The output's moments from those of an input's keys [steps, D] in [0, 1), and its length
        from the mean ratio of lengths."""
        count = max(1, self.pairs) * SHARES
        mean_n, square_n, product = (self.sums / count).astype(float)
        mean_n, square_n, product = mean_n / top, square_n / top**2, product / top**2
        mean_a = keys.mean(0)
        variance = keys.var(0) + square_n - mean_n**2 - 2 * (product - mean_a * mean_n)
        ratios = [m / n for (n, m), times in self.lengths.items() for _ in range(times)]
        ratios = ratios or [1.0]
        length = len(keys) * float(np.mean(ratios))
        low, high = (len(keys) * float(f(ratios)) for f in (np.min, np.max))
        return Intended(mean_a - mean_n, np.maximum(variance, 0), length,
                        max(1, int(np.floor(low))), max(1, int(np.ceil(high))))  # fmt: skip


SHARES = 1 << 40
"""A step's share of its pair, in whole numbers; the rounding is far below a digit of a key."""


class Kernel:
    """Kernel regression from the signature of the input to the moments of the output.

    Inputs and outputs of past pairs as lists of keys [steps, D] in [0, 1). count: neighbours that
    take part, at most; the width is the distance of the nearest, so that an input that is known
    answers alone, and those with less than a tenth of its weight are left out.
    """

    def __init__(
        self, inputs: list[Array], outputs: list[Array], kind: str, layer: int, count: int = 8
    ) -> None:
        self.kind, self.layer, self.count = kind, layer, count
        self.points = np.stack([self.point(keys) for keys in inputs])
        self.scale = np.maximum(self.points.std(0), 1e-9)
        self.means = np.stack([keys.mean(0) for keys in outputs])
        self.variances = np.stack([keys.var(0) for keys in outputs])
        self.lengths = np.array([len(keys) for keys in outputs])

    def point(self, keys: Array) -> Array:
        """The query: the input's signature and its length."""
        return np.append(signature(keys, self.kind, self.layer), len(keys))

    def nearest(self, keys: Array) -> tuple[Array, Array]:
        """Numbers of the nearest past inputs and their weights, which sum to one."""
        gap = np.sqrt(np.square((self.points - self.point(keys)) / self.scale).sum(1))
        near = np.argsort(gap, kind="stable")[: self.count]
        weight = np.exp(-gap[near] / max(gap[near[0]], 1e-12))
        kept = weight >= weight[0] / 10
        return near[kept], weight[kept] / weight[kept].sum()

    def intended(self, keys: Array) -> Intended:
        """The moments and length of the output of an input [steps, D]."""
        near, weight = self.nearest(keys)
        mean = weight @ self.means[near]
        lengths = self.lengths[near]
        return Intended(mean, weight @ self.variances[near], float(weight @ lengths),
                        int(lengths.min()), int(lengths.max()))  # fmt: skip


def mismatch(mean: Array, variance: Array, wanted: Intended) -> Array:
    """How far moments [stubs, D] are from the intended: |mean gap| + |deviation gap|, averaged over
    coordinates, float64 [stubs]."""
    gap = np.abs(mean - wanted.mean) + np.abs(np.sqrt(variance) - np.sqrt(wanted.variance))
    return np.asarray(gap.mean(-1))


def may_stop(length: int, gap: Array, wanted: Intended, tolerance: float) -> Array:
    """Whether stubs of `length` tokens are done: their moments are near the intended ones, never
    before the shortest and always at the longest length that is expected. bool [stubs]."""
    if length >= wanted.longest:
        return np.ones(len(gap), bool)
    return (gap <= tolerance) & (length >= wanted.shortest)

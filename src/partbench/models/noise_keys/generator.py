"""Expert C: new noise from the window of past states, by ridge regression on their pair statistics.

    x_t = [1, K[a_t], .., K[a_(t-w+1)], n_(t-1), .., n_(t-w)]        (the last w states of the node)
    W = (sum x x^T + ridge n I)^-1 sum x y^T,    y = (n_t, e_t)

n_t: the signed noise; e_t: what its code leaves out, so that C corrects B's noise. Features are
rounded to whole multiples of 2^-12: the sums are exact, add up in any order and can be undone.
Source: the note says that C generates states from a context window; the regression is ours.
"""

from typing import NamedTuple

import numpy as np

from partbench.core import rng

Array = np.ndarray
SCALE = 1 << 12
RIDGE = 1e-4


class Fit(NamedTuple):
    """Weights [features, 2 D], and the standard deviation of what they leave [2 D]."""

    weights: Array
    deviation: Array


def features(keys: Array, noise: Array, window: int, top: int) -> Array:
    """x of every step, int64 [rows, time, 1 + 2 w D]; states before the row's start are 0.

    keys: of the input tokens [rows, time, D]; noise: signed [rows, time, D]; top: 10^places.
    """
    rows, time, _ = keys.shape
    scaled = [np.rint(item * (SCALE / top)).astype(np.int64) for item in (keys, noise)]
    parts = [np.full((rows, time, 1), SCALE, np.int64)]
    for source, start in zip(scaled, (0, 1), strict=True):
        for back in range(start, start + window):
            moved = np.zeros_like(source)
            moved[:, back:] = source[:, : max(0, time - back)]
            parts.append(moved)
    return np.concatenate(parts, axis=2)


def statistics(x: Array, noise: Array, left: Array, top: int) -> tuple[Array, Array]:
    """(sum x x^T, sum x y^T and, below it, sum y^2 by column), int64; rows of steps [steps, ..]."""
    y = np.rint(np.concatenate([noise, left], axis=1) * (SCALE / top)).astype(np.int64)
    # Exact in float64 as long as sums stay below 2^53, and then far faster than whole numbers.
    pieces = [slice(i, i + (1 << 20)) for i in range(0, max(1, len(x)), 1 << 20)]
    xx = sum((x[p].astype(float).T @ x[p]).astype(np.int64) for p in pieces)
    xy = sum((x[p].astype(float).T @ y[p]).astype(np.int64) for p in pieces)
    return np.asarray(xx), np.concatenate([np.asarray(xy), np.square(y).sum(0, keepdims=True)])


def solved(xx: Array, xy: Array) -> Fit:
    """The regression from its statistics."""
    number = max(1.0, xx[0, 0] / SCALE**2)
    a = xx / SCALE**2 + RIDGE * number * np.eye(len(xx))
    b, squares = xy[:-1] / SCALE**2, xy[-1] / SCALE**2
    weights = np.linalg.solve(a, b)
    left = squares - 2 * (weights * b).sum(0) + np.einsum("fk,fg,gk->k", weights, xx / SCALE**2,
                                                          weights)  # fmt: skip
    return Fit(weights, np.sqrt(np.maximum(left, 0) / number))


def draws(seed: int, number: int, width: int) -> Array:
    """Standard normal directions [number, width], the first of them 0: the regression itself."""
    found = rng.stream(seed, "generated noise").standard_normal((number, width))
    found[:1] = 0
    return found

"""Keys as digits, and what it costs to be another digit.

    digit p of x in [0, 1) = floor(x 10^(p+1)) mod 10
    dist(x, k) = sum_i sum_p f^p ([x_p != k_p] + lam |x_p - k_p| / 9)      digits
                 the same over the digits of the reflected decimal Gray code        gray
                 sum_i |x_i - k_i|                                                  numeric

Numbers are held as whole multiples of 10^-places and distances as whole multiples of a unit, so
that a sum is the same in any order: an index can then equal brute force to the bit, ties included.
Source: an anonymous note (2024) says "penalised by some factor f" and "numeric closeness"; the
formula, Gray code (0.4999 and 0.5000 are far apart as digits) and units are ours.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from partbench.core.errors import ConfigError

Array = np.ndarray
Kind = Literal["digits", "numeric", "gray"]
CHUNK = 1 << 22
"""Pairs of a query and a key that brute force looks at together."""


def split(numbers: Array, places: int) -> Array:
    """Digits of `numbers` [..., D], whole from 0 to 10^places - 1: uint8 [..., D, places]."""
    rest = np.asarray(numbers, np.int64)[..., None]
    return (rest // 10 ** np.arange(places - 1, -1, -1) % 10).astype(np.uint8)


def gray(digits: Array) -> Array:
    """The reflected decimal Gray code: neighbouring numbers differ by one in one digit.

    g_p = d_p where d_(p-1) is even, else 9 - d_p: a block under an odd digit runs backwards.
    """
    found = digits.copy()
    odd = digits[..., :-1] % 2 == 1
    found[..., 1:] = np.where(odd, 9 - digits[..., 1:], digits[..., 1:])
    return found


@dataclass(frozen=True)
class Metric:
    """A distance between keys of `places` digits in `axes` coordinates.

    fade: f, what a digit weighs beside the one to its left, above 0 and below 1. closeness: lam,
    from 0 up. Distances are int32, in units of `unit`.
    """

    kind: Kind = "digits"
    axes: int = 4
    places: int = 8
    fade: float = 0.3
    closeness: float = 1.0

    def __post_init__(self) -> None:
        if not 1 <= self.axes <= 15 or not 1 <= self.places <= 8:
            raise ConfigError(
                f"keys of {self.axes} coordinates with {self.places} digits; there can be 1 to 15 "
                f"coordinates with 1 to 8 digits each"
            )
        if not 0 < self.fade < 1 or self.closeness < 0:
            raise ConfigError(
                f"fade {self.fade} must be between 0 and 1 and closeness {self.closeness} from 0 up"
            )

    @cached_property
    def unit(self) -> float:
        """What one is worth: 10^-places (numeric), else the power of two that fits an int32."""
        if self.kind == "numeric":
            return 10.0**-self.places
        largest = self.axes * self.places * (1 + self.closeness)
        return 2.0 ** (np.ceil(np.log2(largest)) - 30)

    @cached_property
    def costs(self) -> Array:
        """What digit k costs where x is wanted, int32 [places, x, k]; not for `numeric`."""
        gap = np.abs(np.arange(10)[:, None] - np.arange(10))
        each = (gap > 0) + self.closeness * gap / 9
        faded = self.fade ** np.arange(self.places)
        return np.rint(faded[:, None, None] * each / self.unit).astype(np.int32)

    def digits(self, numbers: Array) -> Array:
        """The digits that are compared: uint8 [..., axes, places]."""
        plain = split(numbers, self.places)
        return gray(plain) if self.kind == "gray" else plain

    def between(self, one: Array, other: Array) -> Array:
        """Distance of rows of numbers [..., axes] that broadcast, int32."""
        if self.kind == "numeric":
            return np.abs(np.asarray(one) - np.asarray(other)).sum(-1).astype(np.int32)
        return self.apart(self.digits(one), self.digits(other))

    def apart(self, x: Array, k: Array) -> Array:
        """Distance of rows of digits [..., axes, places] that broadcast, int32."""
        total = np.zeros(np.broadcast_shapes(x.shape[:-2], k.shape[:-2]), np.int32)
        for axis in range(self.axes):
            for place, costs in enumerate(self.costs):
                both = x[..., axis, place] * np.uint8(10) + k[..., axis, place]
                total += costs.ravel().take(both)
        return total


def brute_force(
    metric: Metric, queries: Array, keys: Array, top: int = 1, digits: Array | None = None
) -> tuple[Array, Array]:
    """The `top` nearest keys of each query, ties to the lower number: (rows, distances).

    Both int64 and int32 [queries, top]. Compares everything with everything, in pieces. digits: of
    the keys, where they are known already.
    """
    if metric.kind != "numeric" and digits is None:
        digits = metric.digits(keys)
    rows, found = [], []
    step = max(1, CHUNK // max(1, len(keys)))
    for start in range(0, len(queries), step):
        asked = queries[start : start + step, None]
        if digits is None:
            part = metric.between(asked, keys[None])
        else:
            part = metric.apart(metric.digits(asked), digits[None])
        joined = part.astype(np.int64) << 32 | np.arange(len(keys))
        if top < len(keys):
            joined = np.partition(joined, top - 1, axis=1)[:, :top]
        joined.sort(axis=1)
        rows.append(joined & 0xFFFFFFFF)
        found.append((joined >> 32).astype(np.int32))
    if not rows:
        return np.zeros((0, top), np.int64), np.zeros((0, top), np.int32)
    return np.concatenate(rows), np.concatenate(found)

"""A weighted straight line through rungs, and whatever is read off it with its interval.

Every read-off (slope, height at a place) is a weighted sum of the rungs, so its variance is
`sum (share * SE)^2`, with the degrees of freedom of Welch 1947 and Satterthwaite 1946. If the
rungs scatter about the line by more than their errors explain, all errors grow by the factor
`max(1, sqrt(chi2 / (rungs - 2)))` (Birge 1932).
"""

import math
from dataclasses import dataclass

import numpy as np

from partbench.stats.checks import Numbers

_DRAW = 4.0  # degrees of freedom that the typical error is worth; see `_weights`


@dataclass(frozen=True)
class Line:
    """A weighted line; any linear read-off is a weighted sum of the rungs, with its own error.

    `freedoms` are those of each error, one number if all errors are one and the same, None for
    errors that are taken as known.
    """

    decades: Numbers
    values: Numbers
    errors: Numbers
    freedoms: Numbers | float | None
    weights: Numbers
    level: float

    def height(self) -> float:
        """The weighted mean of the rungs."""
        return float(self.weights @ self.values / self.weights.sum())

    def slope(self) -> "ReadOff":
        """The slope."""
        return self._read(self._steepness())

    def at(self, decade: float, noise: float = 0.0, freedom: float | None = None) -> "ReadOff":
        """The line at this decade; with `noise`, a new observation of that standard error there."""
        away = decade - self.weights @ self.decades / self.weights.sum()
        shares = self.weights / self.weights.sum() + away * self._steepness()
        return self._read(shares, noise, freedom)

    def _steepness(self) -> Numbers:
        away = self.decades - self.weights @ self.decades / self.weights.sum()
        return np.asarray(self.weights * away / (self.weights @ away**2))

    def _read(self, shares: Numbers, noise: float = 0.0, freedom: float | None = None) -> "ReadOff":
        from scipy.special import ndtri, stdtrit

        parts = (shares * self.errors) ** 2
        error = math.sqrt(parts.sum() + noise**2)
        if self.freedoms is None:
            half, reference = float(ndtri((1 + self.level) / 2)) * error, "normal"
        else:
            degrees = self.freedoms
            if not isinstance(degrees, float):
                least = (parts**2 / degrees).sum() + (noise**4 / freedom if freedom else 0)
                degrees = float(error**4 / least)
            half = float(stdtrit(degrees, (1 + self.level) / 2)) * error
            reference = f"t with {degrees:.3g} degrees of freedom"
        value = float(shares @ self.values)
        return ReadOff(value, error, value - half, value + half, reference)


@dataclass(frozen=True)
class ReadOff:
    """A number read off a line, with its error and interval.

    `reference` says what the interval is taken from.
    """

    value: float
    error: float
    low: float
    high: float
    reference: str


def line_through(
    decades: Numbers,
    values: Numbers,
    errors: Numbers | None,
    freedoms: Numbers | None,
    level: float,
) -> Line:
    """The line, with errors grown where the rungs scatter more than they explain."""
    rest = len(values) - 2
    weights = np.ones(len(values)) if errors is None else _weights(errors, freedoms)
    line = Line(decades, values, np.ones(len(values)), None, weights, level)
    misses = values - np.array([line.at(decade).value for decade in decades])
    factor = math.sqrt(float(weights @ misses**2) / rest) if rest else 1.0
    if errors is None:
        return Line(decades, values, np.full(len(values), factor), float(rest), weights, level)
    return Line(decades, values, errors * max(1.0, factor), freedoms, weights, level)


def _weights(errors: Numbers, freedoms: Numbers | None) -> Numbers:
    """1 / SE^2; an error with few degrees of freedom is first drawn to what all rungs say.

    Weights that follow the luck of a rung with few seeds make intervals too short: at five rungs
    of 12, 8, 6, 4 and 3 seeds they held the slope in 91 % of simulated ladders, not 95 %, and 95 %
    with the typical error counted for 4 degrees of freedom (20: 96 %).
    """
    if freedoms is None:
        return np.asarray(errors**-2.0)
    seeds = freedoms + 1
    single = errors**2 * seeds  # the variance of one seed's log multiplier
    typical = freedoms @ single / freedoms.sum()
    return np.asarray(seeds / ((freedoms * single + _DRAW * typical) / (freedoms + _DRAW)))

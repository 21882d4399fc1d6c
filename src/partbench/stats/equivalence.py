"""Equivalence: is the mean difference smaller than the margin that would matter?"""

import math
from dataclasses import dataclass

from numpy.typing import ArrayLike

from partbench.stats.checks import finite_numbers, positive, probability
from partbench.stats.paired import from_moments, mean_and_sd


@dataclass(frozen=True)
class TwoOneSided:
    """Two one-sided tests; `low` and `high` bound the interval that lies inside iff p < alpha."""

    p: float
    p_not_below: float
    p_not_above: float
    low: float
    high: float
    margin: float
    level: float
    equivalent: bool


def two_one_sided(differences: ArrayLike, margin: float, level: float = 0.95) -> TwoOneSided:
    """Reject `|mean| >= margin` at alpha = 1 - level by two one-sided paired t-tests.

    `p = max(P(T > (mean + margin)/se), P(T < (mean - margin)/se))`; the matching interval has
    confidence `1 - 2 alpha` (90 % at level .95). The verdict's own rule is stricter: it wants the
    whole two-sided interval inside, so that its one interval carries every word.
    Margin in the unit of the score. ValueError: a margin of 0 or less.
    Source: Schuirmann 1987; equal to statsmodels ttost_paired.
    """
    from scipy.special import stdtr

    margin, level = positive(margin, "margin"), probability(level, "level")
    numbers = finite_numbers(differences, "differences")
    mean, sd = mean_and_sd(numbers)
    freedom = len(numbers) - 1
    error = sd / math.sqrt(len(numbers))
    p_not_below = float(stdtr(freedom, _ratio(-margin - mean, error)))
    p_not_above = float(stdtr(freedom, _ratio(mean - margin, error)))
    p = max(p_not_below, p_not_above)
    ends = _ends(mean, sd, len(numbers), level)
    return TwoOneSided(p, p_not_below, p_not_above, *ends, margin, level, p < 1 - level)


def _ratio(distance: float, error: float) -> float:
    """Distance in standard errors; without scatter, infinite on the side where it lies."""
    if error > 0:
        return distance / error
    return math.copysign(math.inf, distance) if distance else 0.0


def _ends(mean: float, sd: float, count: int, level: float) -> tuple[float, float]:
    """The 1 - 2 alpha interval. At level .5 and below it has shrunk to the mean."""
    confidence = 2 * level - 1
    if confidence <= 0:
        return mean, mean
    interval = from_moments(mean, sd, count, count - 1, confidence)
    return interval.low, interval.high

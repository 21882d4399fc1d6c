"""The verdict: one interval, one word.

A lower score is better, and a difference is arm minus base. The word is read off the interval
alone, so that whenever the interval holds the true difference no false word is said.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from partbench.stats.checks import (
    Numbers,
    finite_numbers,
    not_negative,
    one_row,
    positive,
    probability,
)
from partbench.stats.divergence import sign_test, signed_differences
from partbench.stats.paired import Paired, correlation, from_moments, paired

BETTER, WORSE, EQUIVALENT, INCONCLUSIVE = "better", "worse", "equivalent", "inconclusive"


@dataclass(frozen=True)
class Verdict:
    """A word, its interval, and what they rest on; scores and margin in the task's unit.

    `sign` is "slightly better" or "slightly worse" for an equivalent arm whose interval excludes
    0, else "". `method` is "paired t", or "sign test" when a run diverged: `difference` is then
    the median, `sd`, `standard_error` and `correlation` are None, and "equivalent" is never said.
    """

    word: str
    sign: str
    difference: float
    low: float
    high: float
    p: float
    level: float
    margin: float
    count: int
    method: str
    sd: float | None
    standard_error: float | None
    correlation: float | None
    base_diverged: int
    arm_diverged: int

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval rejects "no difference", whatever the word."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class Slope:
    """How fast the base's loss falls: -dL / d ln(compute), in score per e-fold of compute."""

    slope: float
    standard_error: float
    count: int


@dataclass(frozen=True)
class Multiplier:
    """How much more compute the base needs to reach the arm's loss (above 1: the arm saves)."""

    value: float
    low: float
    high: float
    level: float


def decide(base: ArrayLike, arm: ArrayLike, margin: float, level: float = 0.95) -> Verdict:
    """The verdict on an arm from its scores and the base's, one pair a seed, in the same order.

    A score that is not finite is a diverged run. ValueError: rows of unequal length, fewer than
    2 pairs, a margin that is not above 0.
    """
    differences = signed_differences(base, arm)
    related = correlation(base, arm) if np.isfinite(differences).all() else None
    return judge(differences, margin, level, related)


def judge(
    differences: ArrayLike,
    margin: float,
    level: float = 0.95,
    related: float | None = None,
) -> Verdict:
    """The verdict from differences alone: +inf, -inf, nan mean that arm, base, both diverged."""
    margin, level = positive(margin, "margin"), probability(level, "level")
    numbers = one_row(differences, "differences", least=2)
    if np.isfinite(numbers).all():
        test = paired(numbers, level)
        word, sign = word_of(test.low, test.high, margin)
        return Verdict(
            word, sign, test.mean, test.low, test.high, test.p, level, margin, len(numbers),
            "paired t", test.sd, test.standard_error, related, 0, 0,
        )  # fmt: skip
    ranks = sign_test(numbers, level)
    word, _ = word_of(ranks.low, ranks.high, margin=0.0)
    both = int(np.isnan(numbers).sum())
    return Verdict(
        word, "", ranks.median, ranks.low, ranks.high, ranks.p, level, margin, len(numbers),
        "sign test", None, None, None,
        int((numbers == -np.inf).sum()) + both, int((numbers == np.inf).sum()) + both,
    )  # fmt: skip


def word_of(low: float, high: float, margin: float) -> tuple[str, str]:
    """The rule: inside +-margin is equivalent, with its sign; else excluding 0 is better or worse;
    else inconclusive. With margin 0 nothing is equivalent."""
    slightly = "slightly worse" if low > 0 else "slightly better" if high < 0 else ""
    if -margin < low and high < margin:
        return EQUIVALENT, slightly
    if slightly:
        return (WORSE if low > 0 else BETTER), ""
    return INCONCLUSIVE, ""


def slope_of_curve(losses_small: ArrayLike, losses_full: ArrayLike, ratio: float = 2.0) -> Slope:
    """The base's slope at its own budget, from the same seeds at two, `ratio` apart in compute.

    `slope = mean over seeds of tangent_drops / ln(ratio)`, with its standard error. Both budgets
    must end their schedule: a loss read on the way down one run is not on this curve.
    """
    if not (ratio > 1 and math.isfinite(ratio)):
        raise ValueError(f"ratio is {ratio}: give larger budget over smaller, such as 2")
    drops = paired(tangent_drops(losses_small, losses_full) / math.log(ratio))
    return Slope(drops.mean, drops.standard_error, drops.count)


def tangent_drops(losses_small: ArrayLike, losses_full: ArrayLike) -> Numbers:
    """`L ln(L_small / L)` for every seed: what its loss falls between two budgets by the tangent.

    `L_small - L` is the chord, and a curve that flattens is less steep at its end than the chord
    is. This is the end's tangent of the power law L = a C^-b through both points, the least a
    curve can flatten: a floor under the losses flattens it more, so slopes err high and
    multipliers low, the less so the nearer the budgets lie.
    ValueError: rows of unequal length, a loss that is not above 0.
    """
    small = finite_numbers(losses_small, "losses_small")
    full = finite_numbers(losses_full, "losses_full")
    if len(small) != len(full):
        raise ValueError(f"{len(small)} losses at the small budget, {len(full)} at the large one")
    if min(small.min(), full.min()) <= 0:
        raise ValueError("a loss is not above 0: no power law goes through it")
    return full * np.log(small / full)


def multiplier(
    difference: Paired, slope: float, slope_error: float, level: float = 0.95
) -> Multiplier | None:
    """The local compute multiplier `exp(-d / slope)`, d the equal-token difference.

    Interval on the log scale by the delta method, d and slope taken as independent:
    `var(d)/slope^2 + d^2 var(slope)/slope^4`, t with n - 1 freedom. None where the slope is not
    clearly above 0 (slope under 2 standard errors). Near the base's own budget only: it follows
    the curve's tangent. `multiplier.over_seeds` is the form for seeds that carry both numbers.
    """
    slope_error = not_negative(slope_error, "slope_error")
    if not slope > 0 or slope < 2 * slope_error:
        return None
    log = -difference.mean / slope
    error = math.hypot(difference.standard_error / slope, log * slope_error / slope)
    interval = from_moments(log, error, 1, difference.freedom, level)
    return Multiplier(grown(log), grown(interval.low), grown(interval.high), level)


def grown(log: float) -> float:
    """exp, infinite instead of an error where it does not fit a float."""
    return math.exp(log) if log < 709 else math.inf

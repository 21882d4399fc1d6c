"""Runs that diverged: an outcome that is counted and ranked, never dropped.

A score that is not finite is a diverged run. The mean of such scores says nothing, so pairs are
ranked: a diverged run is worse than any finished one, and two diverged runs tie.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from partbench.stats.checks import Numbers, one_row, probability


@dataclass(frozen=True)
class DivergenceRates:
    """How many runs of each arm diverged, and Barnard's p for equal rates."""

    base: int
    arm: int
    base_runs: int
    arm_runs: int
    p: float


@dataclass(frozen=True)
class SignTest:
    """Pairs won and lost by the arm, the exact p, and an interval for the median difference."""

    better: int
    worse: int
    ties: int
    p: float
    median: float
    low: float
    high: float
    level: float


def signed_differences(base: ArrayLike, arm: ArrayLike) -> Numbers:
    """Arm minus base; +inf where only the arm diverged, -inf where only the base did, nan where
    both did."""
    left, right = one_row(base, "base"), one_row(arm, "arm")
    if len(left) != len(right):
        raise ValueError(f"base has {len(left)} scores and arm {len(right)}: give one a seed")
    left = np.where(np.isfinite(left), left, np.inf)
    right = np.where(np.isfinite(right), right, np.inf)
    with np.errstate(invalid="ignore"):  # inf - inf is the tie
        return right - left


def compare_rates(base: ArrayLike, arm: ArrayLike) -> DivergenceRates:
    """Barnard's exact two-sided test of equal divergence rates.

    It takes the runs as independent; shared seeds can only make it cautious when they make both
    arms diverge together. p is 1 when all runs of both arms, or none, diverged.
    Source: Barnard 1945, scipy.stats.barnard_exact.
    """
    left = ~np.isfinite(one_row(base, "base"))
    right = ~np.isfinite(one_row(arm, "arm"))
    table = np.array([[left.sum(), right.sum()], [(~left).sum(), (~right).sum()]])
    if (table.sum(axis=1) == 0).any():
        p = 1.0
    else:
        from scipy.stats import barnard_exact

        p = float(barnard_exact(table).pvalue)
    return DivergenceRates(int(table[0, 0]), int(table[0, 1]), len(left), len(right), p)


def sign_test(differences: ArrayLike, level: float = 0.95) -> SignTest:
    """Exact two-sided sign test of `signed_differences`, and its interval for the median.

    p is twice the binomial tail of the rarer sign. Ties (0 or nan) say nothing of direction and
    are left out of p and interval. The interval runs from the k-th smallest to the k-th largest
    difference, k the largest with `2 P(Binomial(n, 1/2) < k) <= 1 - level`, so that it excludes 0
    exactly when p <= 1 - level; it may end at +-inf, and is everything when n is too small.
    Source: Conover 1999, 3.4; p is equal to scipy.stats.binomtest.
    """
    from scipy.special import bdtr

    level = probability(level, "level")
    numbers = one_row(differences, "differences")
    untied = np.sort(numbers[(numbers != 0) & ~np.isnan(numbers)])
    count = len(untied)
    better, worse = int((untied < 0).sum()), int((untied > 0).sum())
    ties = len(numbers) - count
    if count == 0:
        return SignTest(0, 0, ties, 1.0, 0.0, -np.inf, np.inf, level)
    tails = 2 * bdtr(np.arange(count), count, 0.5)
    rank = int((tails[: (count + 1) // 2] <= 1 - level).sum())
    low, high = (untied[rank - 1], untied[-rank]) if rank else (-np.inf, np.inf)
    p = min(1.0, float(tails[min(better, worse)]))
    return SignTest(better, worse, ties, p, _median(untied), float(low), float(high), level)


def _median(ordered: Numbers) -> float:
    """The middle, or the mean of the middle two: the finite one if the other is infinite."""
    middle = ordered[(len(ordered) - 1) // 2 : len(ordered) // 2 + 1]
    finite = middle[np.isfinite(middle)]
    return float(finite.mean() if len(finite) else middle[0])

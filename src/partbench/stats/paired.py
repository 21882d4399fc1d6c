"""The paired t-test and its relatives: is the mean of n differences zero?

Every difference is arm minus base at one seed, in the unit of the score (nats for language).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from partbench.stats.checks import Numbers, finite_numbers, not_negative, positive, probability


@dataclass(frozen=True)
class Paired:
    """The mean difference of n pairs, with its two-sided t-test and interval at `level`."""

    mean: float
    sd: float
    standard_error: float
    count: int
    t: float
    p: float
    low: float
    high: float
    level: float
    freedom: float


def paired(differences: ArrayLike, level: float = 0.95) -> Paired:
    """Two-sided paired t-test; interval `mean +- t[(1+level)/2, n-1] * sd / sqrt(n)`.

    Differences that are all the same number have sd 0: the interval is that point, and p is 1
    if the number is 0, else 0. ValueError: fewer than 2 differences, or one that is not finite.
    Source: Student 1908; equal to scipy.stats.ttest_rel.
    """
    numbers = finite_numbers(differences, "differences")
    mean, sd = mean_and_sd(numbers)
    return from_moments(mean, sd, len(numbers), len(numbers) - 1, level)


def moderated(
    differences: ArrayLike, prior_variance: float, prior_freedom: float, level: float = 0.95
) -> Paired:
    """The t-test with the variance shrunk towards what earlier studies of the same kind showed.

    `variance = (f0 * v0 + f * s^2) / (f0 + f)`, with f = n - 1 and `f0 + f` degrees of freedom.
    `prior_variance` (unit of the score, squared) is that of one difference, not of the mean.
    Source: Smyth 2004 (limma). ValueError: a prior that is negative or not finite.
    """
    numbers = finite_numbers(differences, "differences")
    prior_variance = positive(prior_variance, "prior_variance")
    prior_freedom = not_negative(prior_freedom, "prior_freedom")
    mean, sd = mean_and_sd(numbers)
    own = len(numbers) - 1
    freedom = prior_freedom + own
    variance = (prior_freedom * prior_variance + own * sd**2) / freedom
    return from_moments(mean, math.sqrt(variance), len(numbers), freedom, level)


def from_moments(mean: float, sd: float, count: int, freedom: float, level: float) -> Paired:
    """The test and interval from the mean and SD of the differences."""
    from scipy.special import stdtr, stdtrit

    level = probability(level, "level")
    standard_error = sd / math.sqrt(count)
    if sd == 0:
        t = math.copysign(math.inf, mean) if mean else 0.0
    else:
        t = mean / standard_error
    half = float(stdtrit(freedom, (1 + level) / 2)) * standard_error
    return Paired(
        mean=mean,
        sd=sd,
        standard_error=standard_error,
        count=count,
        t=t,
        p=min(1.0, 2 * float(stdtr(freedom, -abs(t)))),
        low=mean - half,
        high=mean + half,
        level=level,
        freedom=float(freedom),
    )


def mean_and_sd(numbers: Numbers) -> tuple[float, float]:
    """Mean and sample SD; equal numbers give exactly that number and exactly 0."""
    if (numbers == numbers[0]).all():  # rounding in the mean would leave an SD of 1e-17
        return float(numbers[0]), 0.0
    return float(numbers.mean()), float(numbers.std(ddof=1))


def sign_flip(differences: ArrayLike, seed: int = 0, draws: int = 100_000) -> float:
    """Two-sided p: the share of all sign patterns whose |sum| is at least the one observed.

    Exact up to 20 pairs, where it cannot fall below `2 / 2^n`: 5 pairs never reach .05, 6 can.
    Above 20 pairs, `draws` random patterns from `seed`, with the observed one counted in.
    Source: Fisher 1935; equal to scipy.stats.permutation_test(permutation_type="samples").
    """
    numbers = finite_numbers(differences, "differences", least=1)
    observed = abs(numbers.sum())
    # Equal sums reached by another order of additions differ in the last bits.
    threshold = observed - 1e-12 * np.abs(numbers).sum()
    if len(numbers) <= 20:
        middle = len(numbers) // 2
        sums = np.add.outer(_signed_sums(numbers[:middle]), _signed_sums(numbers[middle:]))
        return float((np.abs(sums) >= threshold).mean())
    random = np.random.default_rng(seed)
    as_large = 0
    for start in range(0, draws, 10_000):
        signs = random.integers(0, 2, (min(10_000, draws - start), len(numbers))) * 2.0 - 1
        as_large += int((np.abs(signs @ numbers) >= threshold).sum())
    return (1 + as_large) / (1 + draws)


def _signed_sums(numbers: Numbers) -> Numbers:
    """The sums under all 2^n sign patterns."""
    sums = np.zeros(1)
    for number in numbers:
        sums = np.concatenate([sums + number, sums - number])
    return sums


def correlation(base: ArrayLike, arm: ArrayLike) -> float | None:
    """Pearson correlation of the two arms' scores over seeds: what pairing is worth.

    `var(difference) = var(base) + var(arm) - 2 r sd(base) sd(arm)`.
    None under 3 pairs (2 always give +-1) and where an arm does not vary.
    """
    left = finite_numbers(base, "base", least=0)
    right = finite_numbers(arm, "arm", least=0)
    if len(left) != len(right):
        raise ValueError(f"base has {len(left)} scores and arm {len(right)}: give one a seed")
    if len(left) < 3 or (left == left[0]).all() or (right == right[0]).all():
        return None
    left, right = left - left.mean(), right - right.mean()
    return float(np.clip(left @ right / math.sqrt((left @ left) * (right @ right)), -1, 1))

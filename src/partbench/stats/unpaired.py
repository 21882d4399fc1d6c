"""Two groups of runs that are no pairs: is the difference of their means zero?"""

import math

from numpy.typing import ArrayLike

from partbench.stats.checks import finite_numbers, probability
from partbench.stats.paired import Paired, from_moments, mean_and_sd
from partbench.stats.sequential import confidence_sequence


def welch(base: ArrayLike, arm: ArrayLike, level: float = 0.95) -> Paired:
    """Welch's t-test of `mean(arm) - mean(base)`, the two spreads taken as different.

    `error^2 = s1^2/n1 + s2^2/n2`, with `error^4 / (s1^4/(n1^2 (n1-1)) + s2^4/(n2^2 (n2-1)))`
    degrees of freedom. The numbers of runs must have been fixed before the first one.
    `count` is that of the smaller group. ValueError: a group with fewer than 2 finite numbers.
    Source: Welch 1947; equal to scipy.stats.ttest_ind(equal_var=False).
    """
    first, second = finite_numbers(base, "base"), finite_numbers(arm, "arm")
    (mean_1, sd_1), (mean_2, sd_2) = mean_and_sd(first), mean_and_sd(second)
    part_1, part_2 = sd_1**2 / len(first), sd_2**2 / len(second)
    spread = part_1**2 / (len(first) - 1) + part_2**2 / (len(second) - 1)
    freedom = (part_1 + part_2) ** 2 / spread if spread else len(first) + len(second) - 2.0
    count = min(len(first), len(second))
    # Of moments of which the error is known already: an SD that count divides back to it.
    sd = math.sqrt((part_1 + part_2) * count)
    return from_moments(mean_2 - mean_1, sd, count, freedom, level)


def confidence_sequence_of_two(
    base: ArrayLike, arm: ArrayLike, alpha: float = 0.05, kappa: float = 2.0
) -> tuple[float, float]:
    """An interval for `mean(arm) - mean(base)` that holds at all numbers of runs with 1 - alpha.

    The difference of the two means' own confidence sequences at alpha / 2 each: wide, and valid
    whenever somebody stops, in either group. Infinite while either group has too few runs.
    """
    share = probability(alpha, "alpha") / 2
    low_1, high_1 = confidence_sequence(base, share, kappa)
    low_2, high_2 = confidence_sequence(arm, share, kappa)
    return low_2 - high_1, high_2 - low_1

"""The compute multiplier when every seed gives both a difference and a slope."""

import math

from numpy.typing import ArrayLike

from partbench.stats.checks import finite_numbers, probability
from partbench.stats.paired import mean_and_sd
from partbench.stats.verdict import Multiplier, grown


def over_seeds(
    differences: ArrayLike,
    drops: ArrayLike,
    ratio: float = 2.0,
    level: float = 0.95,
) -> Multiplier | None:
    """Jackknife-t over seed blocks of `log M = -mean(differences) ln(ratio) / mean(drops)`.

    Seed s gives the equal-token difference and the drop of the base's loss from its small budget
    to its large one. Both hold the base's noise of that seed, which the delta method would take
    as independent; leaving seeds out whole does not. Pseudo-values `n theta - (n-1) theta_(-s)`,
    t with n - 1 freedom. None where the mean drop is under 2 standard errors.
    ValueError: fewer than 3 seeds, rows of unequal length. Source: Tukey 1958; Miller 1974.
    """
    from scipy.special import stdtrit

    level = probability(level, "level")
    if not (ratio > 1 and math.isfinite(ratio)):
        raise ValueError(f"ratio is {ratio}: give larger budget over smaller, such as 2")
    difference = finite_numbers(differences, "differences", least=3)
    drop = finite_numbers(drops, "drops", least=3)
    count = len(difference)
    if count != len(drop):
        raise ValueError(f"{count} differences but {len(drop)} drops: give one of each a seed")
    mean, sd = mean_and_sd(drop)
    without = (drop.sum() - drop) / (count - 1)
    if not mean > 0 or mean < 2 * sd / math.sqrt(count) or (without <= 0).any():
        return None

    log = -float(difference.mean()) * math.log(ratio) / mean
    left_out = -(difference.sum() - difference) / (count - 1) * math.log(ratio) / without
    _, spread = mean_and_sd(count * log - (count - 1) * left_out)
    half = float(stdtrit(count - 1, (1 + level) / 2)) * spread / math.sqrt(count)
    return Multiplier(grown(log), grown(log - half), grown(log + half), level)

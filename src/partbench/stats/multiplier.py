"""The compute multiplier: from two budgets of the base by its tangent, from three by its law."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from partbench.stats.checks import Numbers, finite_numbers, not_negative, probability
from partbench.stats.law import Law, Runs, fit, fits, gathered
from partbench.stats.paired import from_moments, mean_and_sd
from partbench.stats.verdict import Multiplier, grown


@dataclass(frozen=True)
class OnLadder:
    """The multiplier of an arm at one rung, or None and the reason why there is none.

    `log` is its natural logarithm, `log_error` that one's standard error with `freedom` degrees.
    `extrapolated`: the arm's loss lies outside the base's range, so no number is given.
    `ends_extrapolated`: an end of the interval asks for compute beyond the base's budgets.
    """

    value: float | None
    low: float | None
    high: float | None
    log: float | None
    log_error: float | None
    freedom: int
    level: float
    extrapolated: bool
    ends_extrapolated: bool
    reason: str
    law: Law


def over_seeds(
    differences: ArrayLike,
    drops: ArrayLike,
    ratio: float = 2.0,
    level: float = 0.95,
) -> Multiplier | None:
    """Jackknife-t over seed blocks of `log M = -mean(differences) ln(ratio) / mean(drops)`.

    Seed s gives the equal-token difference and the drop of the base's loss from its small budget
    to its large one (`verdict.tangent_drops`). Both hold the base's noise of that seed, which the
    delta method would take as independent; leaving seeds out whole does not. Pseudo-values
    `n theta - (n-1) theta_(-s)`, t with n - 1 freedom. None where the mean drop is under 2
    standard errors.
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


def on_ladder(
    budgets: ArrayLike,
    base: Sequence[ArrayLike],
    arm: ArrayLike,
    compute: float,
    level: float = 0.95,
) -> OnLadder:
    """`M = C_base(L_arm) / C = ((L_base - E) / (L_arm - E))^(1/alpha)` at the budget `compute`.

    `base[r]` holds the base's losses at `budgets[r]` (rising, three or more), `arm` the arm's at
    `compute`, one of the budgets; the s-th loss of every row is that of the s-th seed, and arm and
    base have the same seeds there. E and alpha are those of the base's law; the law is moved
    through the base's own mean at `compute`, so that pairing keeps its worth, a rung that lies off
    the law biases nothing, and an arm equal to the base has 1.

    Interval: jackknife-t over seed blocks. Each run is left out in turn and the law fitted anew,
    its profile over E included; `U_s = sum over rungs r of D_rs / sqrt(n_r (n_r - 1))` is the
    share of seed s in the error of log M, D_rs = (n_r - 1) (log M - log M without the run), and
    `var = sum of U_s^2`, t with the freedom of the arm's rung. With equally many seeds at every
    rung this is Tukey's jackknife over whole seeds (Miller 1974) to first order.

    No number is given, and `reason` says why, where L_arm lies outside the mean losses of the
    base (`extrapolated`), and where the base's loss does not fall clearly. An arm that wins at the
    base's largest budget is always outside, so give the base one budget above the arm's: to keep
    only the arms that are not refused there would be to keep the unlucky ones.
    ValueError: fewer than 3 budgets or 2 seeds, a budget that is not the base's.
    """
    from scipy.special import stdtrit

    level = probability(level, "level")
    runs = gathered(budgets, base)
    places = np.flatnonzero(np.asarray(budgets, float) == compute)
    if not len(places):
        raise ValueError(f"compute is {compute:g}: choose one of the base's budgets")
    rung = int(places[0])
    counts = np.bincount(runs.rung)
    if counts.min() < 2:
        raise ValueError(f"base[{counts.argmin()}] holds 1 loss: at least 2 seeds a budget needed")
    scores = finite_numbers(arm, "arm")
    if len(scores) != counts[rung]:
        raise ValueError(f"arm has {len(scores)} losses and the base {counts[rung]} at its budget")
    law, freedom = fit(budgets, base), len(scores) - 1
    loss = float(scores.mean())

    def refused(reason: str, extrapolated: bool = False) -> OnLadder:
        return OnLadder(
            None, None, None, None, None, freedom, level, extrapolated, False, reason, law
        )

    if not law.holds(loss):
        side = "below" if loss < min(law.losses) else "above"
        more = "more" if side == "below" else "less"
        return refused(
            f"the arm's loss {loss:.4g} lies {side} all of the base's "
            f"({min(law.losses):.4g} to {max(law.losses):.4g}): train the base with {more} compute",
            extrapolated=True,
        )
    drop = law.losses[0] - law.losses[-1]
    ends = [runs.loss[runs.rung == r] for r in (0, len(counts) - 1)]
    if drop < 2 * math.sqrt(sum(float(row.var(ddof=1)) / len(row) for row in ends)):
        return refused("the base's loss does not clearly fall with compute")
    logs = _left_out(runs, rung, scores)
    if logs is None:
        return refused("the base's law is not clear: without one of its runs it has no answer")
    log, spread = float(logs[0]), np.zeros(counts.max())
    for r, count in enumerate(counts):
        influence = log - logs[1:][runs.rung == r]
        influence = (influence - influence.mean()) * (count - 1)
        spread[:count] += influence / math.sqrt(count * (count - 1))
    error = float(np.sqrt((spread**2).sum()))
    half = float(stdtrit(freedom, (1 + level) / 2)) * error
    low, high = grown(log - half), grown(log + half)
    outside = low * compute < law.budgets[0] or high * compute > law.budgets[-1]
    return OnLadder(grown(log), low, high, log, error, freedom, level, False, outside, "", law)


def per_second(
    log: float,
    log_error: float,
    freedom: float,
    log_ratio: float,
    log_ratio_error: float,
    level: float = 0.95,
) -> Multiplier:
    """The wall-clock form `M / r`, r the arm's seconds a step over the base's.

    From log M and log r with their standard errors, taken as independent; t with `freedom`.
    """
    error = math.hypot(not_negative(log_error, "log_error"), not_negative(log_ratio_error, "ratio"))
    test = from_moments(log - log_ratio, error, 1, freedom, level)
    return Multiplier(grown(test.mean), grown(test.low), grown(test.high), level)


def _left_out(runs: Runs, rung: int, arm: Numbers) -> Numbers | None:
    """log M from all runs, then without each; None where one of the fits has no answer."""
    kept = np.vstack([np.ones(len(runs.loss)), 1 - np.eye(len(runs.loss))])
    irreducible, _, exponent = fits(runs, kept)
    here = runs.rung == rung
    counts = kept[:, here].sum(axis=1)
    base_gap = kept[:, here] @ runs.loss[here] / counts - irreducible
    arm_gap = kept[:, here] @ arm / counts - irreducible
    if not (exponent > 0).all() or not (base_gap > 0).all() or not (arm_gap > 0).all():
        return None
    return np.asarray(np.log(base_gap / arm_gap) / exponent)

"""Learning rates tried on a grid: the best one with its error, and what missing it costs.

A rate is named by its log2, in which loss curves are near parabolas at their bottom. A loss that
is not finite is a run that diverged: worse than any finite loss, never left out.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from partbench.stats.checks import Numbers, finite_numbers, one_row, probability
from partbench.stats.paired import from_moments, mean_and_sd


@dataclass(frozen=True)
class Optimum:
    """The rate at the bottom of the fitted parabola, and what it rests on.

    `rate` is in the unit of the grid, within half a grid step of `grid_rate`, the best rate tried.
    `edge` is "low" or "high" when that one is the grid's last on its side: extend the grid there.
    `standard_error` and the interval `low` to `high` are None where the runs do not tell noise
    from curve, and `loss_error` too; `standard_error` is in octaves (log2 of the rate), `loss`
    and `loss_error` in the unit of the loss. `diverged` counts the runs lost at each rate.
    """

    rate: float
    standard_error: float | None
    low: float | None
    high: float | None
    loss: float
    loss_error: float | None
    edge: str
    grid_rate: float
    diverged: tuple[int, ...]
    level: float


@dataclass(frozen=True)
class Sensitivity:
    """What a blind choice of rate from the grid costs on average, in the unit of the loss."""

    value: float
    standard_error: float | None
    low: float | None
    high: float | None
    level: float


def optimum(rates: ArrayLike, losses: ArrayLike, level: float = 0.95) -> Optimum:
    """The best rate by `L = a + b x + c x^2`, x = log2(rate / best rate tried): `x = -b / (2c)`.

    `losses[i][s]` is the loss at `rates[i]` and seed s. The best rate tried has the fewest
    diverged runs, then the least mean of the others. The parabola goes through the mean losses
    of that rate and its two neighbours; next to a neighbour that diverged, through the best and
    the two on its other side, and the rate then never moves towards the divergence. The grid is
    closed on the side of such a neighbour: it is no edge.

    Each seed has its own parabola, so the scatter of (b, c) over seeds gives the standard error
    by the delta method, `var(b + 2cx) / (2c)^2`, and an interval with n - 1 freedom by Fieller
    1954: all x at which a t-test does not reject `b + 2cx = 0`. It needs no linear approximation,
    and is (0, infinity) where the curve is not clearly a valley. With one seed the noise is the
    scatter of four or more finite losses around one parabola through all of them.

    `loss` is that of the tuning runs: the luck that chose the rate is in it. Judge on fresh seeds.
    ValueError: rates that do not rise, rows of unequal length.
    """
    from scipy.special import stdtrit

    level = probability(level, "level")
    grid = finite_numbers(rates, "rates", least=1)
    if not (grid > 0).all() or not (np.diff(grid) > 0).all():
        raise ValueError("rates must be above 0 and rise, such as (.001, .002, .004)")
    table = _table(losses, len(grid))
    diverged = (~np.isfinite(table)).sum(axis=1)
    best = _best(table, diverged)
    edge = "low" if best == 0 else "high" if best == len(grid) - 1 else ""
    closed_below = best > 0 and diverged[best - 1] > 0
    closed_above = best < len(grid) - 1 and diverged[best + 1] > 0

    chosen = _three(best, diverged)
    at_grid = _at_grid(grid, table, diverged, best, edge, level)
    if chosen is None or edge:
        return at_grid
    x = np.log2(grid / grid[best])
    weights = np.linalg.inv(np.vander(x[chosen], 3, increasing=True))  # rows give a, b, c
    a, b, c = weights @ table[chosen].mean(axis=1)
    if not c > 0:
        return at_grid
    lowest = 0.0 if closed_below else x[best - 1] / 2
    highest = 0.0 if closed_above else x[best + 1] / 2
    place = float(np.clip(-b / (2 * c), lowest, highest))
    powers = np.array([1.0, place, place**2])
    loss, rate = float(powers @ (a, b, c)), float(grid[best] * 2**place)

    noise, freedom = _noise(x, table, chosen, weights, diverged)
    if noise is None:
        return Optimum(
            rate, None, None, None, loss, None, "", at_grid.grid_rate, at_grid.diverged, level
        )
    derivative = np.array([0.0, 1.0, 2 * place])
    error = math.sqrt(derivative @ noise @ derivative) / (2 * c)
    loss_error = math.sqrt(powers @ noise @ powers)
    ends = _fieller(b, c, noise, float(stdtrit(freedom, (1 + level) / 2)))
    low, high = (float(grid[best] * np.exp2(end)) for end in ends)
    return Optimum(
        rate, error, low, high, loss, loss_error, "", at_grid.grid_rate, at_grid.diverged, level
    )


def sensitivity(losses_by_rate: ArrayLike, start_loss: float, level: float = 0.95) -> Sensitivity:
    """`mean over rates of min(L(rate), L0) - best`: the cost of a rate chosen blindly.

    `losses_by_rate[i]` is one loss or the losses of all seeds at rate i; L0 is the loss before
    training, which a diverged run is charged. The best is the least mean over seeds. Only arms
    with the same grid of ratios to their own optimum compare. With two seeds or more: standard
    error and t interval from each seed's own number at the shared best rate.
    Source: Wortsman et al. 2023, arXiv:2309.14322. ValueError: a start loss that is not finite.
    """
    level = probability(level, "level")
    if not math.isfinite(start_loss):
        raise ValueError(f"start_loss is {start_loss}: give the loss before the first step")
    given = np.asarray(losses_by_rate, dtype=np.float64)
    table = _table(given[:, None] if given.ndim == 1 else given, len(given))
    table = np.minimum(np.where(np.isfinite(table), table, np.inf), start_loss)
    best = int(np.argmin(table.mean(axis=1)))
    seeds = table.mean(axis=0) - table[best]
    if len(seeds) == 1:
        return Sensitivity(float(seeds[0]), None, None, None, level)
    mean, sd = mean_and_sd(seeds)
    interval = from_moments(mean, sd, len(seeds), len(seeds) - 1, level)
    return Sensitivity(mean, interval.standard_error, interval.low, interval.high, level)


def expected_best(losses: ArrayLike, start_loss: float | None = None) -> tuple[float, ...]:
    """The mean best loss of k of these n trials, for k = 1 to n: what a budget of k buys.

    `sum over i of C(n - i, k - 1) / C(n, k) * L_(i)`, L_(i) the i-th smallest: the mean over all
    subsets of size k, unbiased for k fresh trials. Arms that were tried differently often are
    compared at the same k. A diverged trial is charged `start_loss`, as is one that ends above.
    Source: Tang et al. 2020, ACL; Dodge et al. 2019, arXiv:1909.03004, draw with replacement,
    which is biased. ValueError: a diverged trial without a start loss.
    """
    trials = one_row(losses, "losses")
    if start_loss is not None:
        trials = np.minimum(np.where(np.isfinite(trials), trials, np.inf), start_loss)
    ordered = np.sort(finite_numbers(trials, "losses", least=1))
    count = len(ordered)
    return tuple(
        float(sum(math.comb(count - 1 - i, k - 1) * ordered[i] for i in range(count - k + 1)))
        / math.comb(count, k)
        for k in range(1, count + 1)
    )


def _table(losses: ArrayLike, rates: int) -> Numbers:
    """Losses as (rate, seed)."""
    try:
        table = np.asarray(losses, dtype=np.float64)
    except ValueError:
        raise ValueError(
            "losses has rows of unequal length: give one loss a rate and seed"
        ) from None
    if table.ndim != 2 or len(table) != rates or table.shape[1] == 0:
        raise ValueError(
            f"losses has shape {table.shape}: give {rates} rows, one loss a seed in each"
        )
    return table


def _best(table: Numbers, diverged: np.ndarray) -> int:
    """Fewest diverged runs, then the least mean of the others; of equals the one nearest the
    middle, or the lowest where every run diverged."""
    finite = np.where(np.isfinite(table), table, 0.0)
    alive = table.shape[1] - diverged
    means = np.where(alive > 0, finite.sum(axis=1) / np.maximum(alive, 1), np.inf)
    middle = (len(table) - 1) / 2 if np.isfinite(means).any() else 0
    return min(range(len(table)), key=lambda i: (diverged[i], means[i], abs(i - middle)))


def _three(best: int, diverged: np.ndarray) -> list[int] | None:
    """The best rate and its neighbours, or the two beyond one side where the other diverged."""
    for places in (
        [best - 1, best, best + 1],
        [best - 2, best - 1, best],
        [best, best + 1, best + 2],
    ):
        inside = places[0] >= 0 and places[-1] < len(diverged)
        if inside and not diverged[places].any():
            return places
    return None


def _at_grid(
    grid: Numbers, table: Numbers, diverged: np.ndarray, best: int, edge: str, level: float
) -> Optimum:
    """The best rate tried, where no parabola can be laid through it."""
    finite = table[best][np.isfinite(table[best])]
    loss, error = math.inf, None
    if len(finite) == table.shape[1]:
        loss = float(finite.mean())
        error = mean_and_sd(finite)[1] / math.sqrt(len(finite)) if len(finite) > 1 else None
    rate, counts = float(grid[best]), tuple(int(count) for count in diverged)
    return Optimum(rate, None, None, None, loss, error, edge, rate, counts, level)


def _noise(
    x: Numbers, table: Numbers, chosen: list[int], weights: Numbers, diverged: np.ndarray
) -> tuple[Numbers | None, int]:
    """Covariance of the mean (a, b, c) and its degrees of freedom; None where it is not known."""
    seeds = table.shape[1]
    if seeds > 1:
        return np.cov(weights @ table[chosen]) / seeds, seeds - 1
    whole = diverged == 0
    freedom = int(whole.sum()) - 3
    if freedom < 1:
        return None, 0
    powers = np.vander(x[whole], 3)
    residual = table[whole, 0] - powers @ np.linalg.lstsq(powers, table[whole, 0], rcond=None)[0]
    return float(residual @ residual) / freedom * weights @ weights.T, freedom


def _fieller(b: float, c: float, noise: Numbers, t: float) -> tuple[float, float]:
    """All x with `(b + 2cx)^2 <= t^2 var(b + 2cx)`; everything where c is not clearly above 0."""
    square = 4 * (c**2 - t**2 * noise[2, 2])
    linear = 4 * (b * c - t**2 * noise[1, 2])
    constant = b**2 - t**2 * noise[1, 1]
    if square <= 0:
        return -math.inf, math.inf
    root = math.sqrt(max(linear**2 - 4 * square * constant, 0.0))
    return (-linear - root) / (2 * square), (-linear + root) / (2 * square)

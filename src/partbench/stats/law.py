"""The base's own law of loss and compute, `L(C) = E + A C^-alpha`, from runs at several budgets.

Fitted to the logarithm of the loss with Huber's loss, as Hoffmann et al. 2022 (arXiv:2203.15556,
approach 3) do. For each irreducible loss E on a grid the best A and alpha are found by
Gauss-Newton steps, and E is the one with the least cost: the profile over E, which cannot end in
a false valley. Every leave-one-run-out fit has its own profile.

Huber's threshold is 1.345 times the scatter of equal runs, at which it costs 5 % of efficiency on
clean data. The fixed .001 of Hoffmann et al. lies below the scatter of small runs: it would fit
medians, for which leaving runs out says nothing about the error.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from partbench.stats.checks import Numbers, finite_numbers

_CORNER = 1.345
_CORNER_OF_ONE_SEED = 1e-3
_STEPS = 8


@dataclass(frozen=True)
class Law:
    """`L(C) = irreducible + scale * C^-exponent`; losses in the task's unit, C in that of budgets.

    `losses` are the mean losses that it was fitted to, one a budget.
    """

    irreducible: float
    scale: float
    exponent: float
    budgets: tuple[float, ...]
    losses: tuple[float, ...]

    def at(self, compute: float) -> float:
        """The loss at this compute."""
        return float(self.irreducible + self.scale * compute**-self.exponent)

    def slope(self, compute: float) -> float:
        """-dL / d ln C there: `exponent * (L - irreducible)`, the loss that an e-fold buys."""
        return float(self.exponent * self.scale * compute**-self.exponent)

    def holds(self, loss: float) -> bool:
        """Whether the loss lies in the range that was measured."""
        return min(self.losses) <= loss <= max(self.losses)


@dataclass(frozen=True)
class Runs:
    """The runs behind a law: log compute about its mean, loss and budget of each, and its seed."""

    log_compute: Numbers
    loss: Numbers
    rung: np.ndarray
    seed: np.ndarray
    centre: float


def fit(budgets: ArrayLike, losses: Sequence[ArrayLike]) -> Law:
    """The law through `losses[r]`, the losses of one or more seeds at `budgets[r]`.

    Three budgets or more; E lies between 0 and the least mean loss. ValueError: fewer budgets,
    budgets that do not rise from above 0, a loss that is not above 0.
    """
    runs = gathered(budgets, losses)
    irreducible, log_scale, exponent = (
        float(values[0]) for values in fits(runs, np.ones((1, len(runs.loss))))
    )
    means = tuple(float(np.asarray(row, float).mean()) for row in losses)
    scale = float(np.exp(log_scale + exponent * runs.centre))
    named = tuple(float(budget) for budget in np.asarray(budgets, float))
    return Law(irreducible, scale, exponent, named, means)


def gathered(budgets: ArrayLike, losses: Sequence[ArrayLike]) -> Runs:
    """The runs in one row each. ValueError as in `fit`."""
    compute = finite_numbers(budgets, "budgets", least=3)
    if not (compute > 0).all() or not (np.diff(compute) > 0).all():
        raise ValueError("budgets must be above 0 and rise, such as (1e15, 4e15, 16e15)")
    if len(losses) != len(compute):
        raise ValueError(f"{len(compute)} budgets but {len(losses)} rows of losses: give one each")
    rows = [finite_numbers(row, f"losses[{r}]", least=1) for r, row in enumerate(losses)]
    loss = np.concatenate(rows)
    if not (loss > 0).all():
        raise ValueError("losses must be above 0: the law is fitted to their logarithm")
    rung = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    seed = np.concatenate([np.arange(len(row)) for row in rows])
    centre = float(np.log(compute).mean())
    return Runs(np.log(compute)[rung] - centre, loss, rung, seed, centre)


def fits(runs: Runs, kept: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """E, log A (at the centre of log compute) and alpha of one law for each row of `kept`.

    `kept[i]` weighs the runs in fit i: 1, or 0 for those left out.
    """
    corner = _CORNER * _scatter(runs) or _CORNER_OF_ONE_SEED
    totals = np.array([kept[:, runs.rung == r].sum(1) for r in range(runs.rung.max() + 1)])
    sums = np.array(
        [kept[:, runs.rung == r] @ runs.loss[runs.rung == r] for r in range(len(totals))]
    )
    floor = (sums / totals).min(axis=0)[:, None]  # least mean loss of each fit
    gaps = np.broadcast_to(np.geomspace(1e-3, 1, 13), (len(kept), 13))
    step = 1000 ** (1 / 12)
    here = np.arange(len(kept))
    for _ in range(5):
        irreducible = floor * (1 - gaps)
        log_scale, exponent, cost = _given(irreducible, runs, kept, corner)
        best = cost.argmin(axis=1)
        found = irreducible[here, best], log_scale[here, best], exponent[here, best]
        around = step ** np.linspace(-1, 1, 13)
        gaps = np.minimum(gaps[here, best][:, None] * around, 1)
        step **= 1 / 6
    return found


def _given(
    irreducible: Numbers, runs: Runs, kept: Numbers, corner: float
) -> tuple[Numbers, Numbers, Numbers]:
    """The best log A and alpha for each E, as (fit, E), and their Huber cost."""
    x, log_loss = runs.log_compute, np.log(runs.loss)
    means = np.maximum(runs.loss - irreducible[..., None], 1e-3 * runs.loss)
    a, b = _line(x, np.log(means), kept[:, None] * (means / runs.loss) ** 2)
    for _ in range(_STEPS):
        power = np.exp(np.clip(a[..., None] + b[..., None] * x, -50, 50))
        residual = log_loss - np.log(irreducible[..., None] + power)
        share = power / (irreducible[..., None] + power)  # d log L / d log power
        trust = np.minimum(1, corner / np.maximum(np.abs(residual), 1e-300))
        da, db = _line(x, residual / share, kept[:, None] * trust * share**2)
        a, b = a + np.clip(da, -3, 3), b + np.clip(db, -3, 3)
    power = np.exp(np.clip(a[..., None] + b[..., None] * x, -50, 50))
    size = np.abs(log_loss - np.log(irreducible[..., None] + power))
    huber = np.where(size <= corner, size**2 / 2, corner * (size - corner / 2))
    return a, -b, (kept[:, None] * huber).sum(axis=-1)


def _line(x: Numbers, y: Numbers, weights: Numbers) -> tuple[Numbers, Numbers]:
    """Weighted least squares of `y = a + b x` along the last axis."""
    total = weights.sum(axis=-1)
    mean_x = (weights * x).sum(axis=-1) / total
    mean_y = (weights * y).sum(axis=-1) / total
    away = x - mean_x[..., None]
    b = (weights * away * y).sum(axis=-1) / (weights * away**2).sum(axis=-1)
    return mean_y - b * mean_x, b


def _scatter(runs: Runs) -> float:
    """SD of log losses of equal runs, from the median distance to their mean; 0 for one seed."""
    away = []
    for r in range(runs.rung.max() + 1):
        logs = np.log(runs.loss[runs.rung == r])
        if len(logs) > 1:
            away.append(np.abs(logs - logs.mean()) * np.sqrt(len(logs) / (len(logs) - 1)))
    return float(1.4826 * np.median(np.concatenate(away))) if away else 0.0

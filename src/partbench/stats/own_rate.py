"""Is an arm's own best rate better for it than the shared one, by more than luck?

Two arms that are alike find unlike best rates by chance, and then differ in truth: the base against
itself with other starting values was called better or worse in 19 % of studies when each arm took
its own best of three rates, one seed each. So an arm leaves the shared rate only where its own is
better for it beyond the scatter of the trials.

Scatter: what is left of the losses of each arm when rates and seeds have been taken off (a table of
two ways without interaction), pooled over the arms. The own rate is the best of k - 1 others, so
its p-value is taken k - 1 times (Bonferroni).
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from partbench.stats.checks import probability

Table = Sequence[Sequence[float]]
"""`table[i][s]`: the loss at the i-th rate and the s-th seed; not finite where a run diverged."""


def leaves(
    tables: Mapping[str, Table], arm: str, own: int, shared: int, level: float = 0.95
) -> bool:
    """Whether `arm` should be run at its rate `own` rather than at `shared`, places on the grid.

    True where the arm diverges at the shared rate and not at its own. False where no scatter is
    known: with one seed a rate there is no telling luck from curve.
    """
    from scipy.special import stdtr

    level = probability(level, "level")
    table = np.asarray(tables[arm], dtype=np.float64)
    lost = (~np.isfinite(table)).sum(axis=1)
    if own == shared or lost[own] > lost[shared]:
        return False
    if lost[shared] > lost[own]:
        return True
    squares, freedom = scatter(tables)
    gain = float(table[shared].mean() - table[own].mean())
    if not freedom or not gain > 0:
        return False
    error = math.sqrt(2 * squares / freedom / table.shape[1])
    p = 1 - float(stdtr(freedom, gain / error)) if error else 0.0
    return p * (len(table) - 1) < 1 - level


def scatter(tables: Mapping[str, Table]) -> tuple[float, int]:
    """Sum of squares about rates and seeds, and its degrees of freedom, over all whole tables."""
    squares, freedom = 0.0, 0
    for rows in tables.values():
        table = np.asarray(rows, dtype=np.float64)
        table = table[np.isfinite(table).all(axis=1)]
        rates, seeds = table.shape
        if rates > 1 and seeds > 1:
            rest = table - table.mean(axis=0) - table.mean(axis=1, keepdims=True) + table.mean()
            squares += float((rest**2).sum())
            freedom += (rates - 1) * (seeds - 1)
    return squares, freedom

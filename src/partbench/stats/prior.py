"""What past studies of the same kind say about the noise of the next: limma's prior.

Each study's true variance is taken as drawn from `f0 v0 / chi2_f0`; v0 and f0 are found by
matching the mean and the variance of the log sample variances (Smyth 2004, section 6.2), and
handed to `paired.moderated`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from partbench.stats.checks import positive


@dataclass(frozen=True)
class Prior:
    """`variance` (of one difference, unit of the score squared) worth `freedom` degrees."""

    variance: float
    freedom: float
    studies: int


def prior_from(past: Sequence[tuple[float, int]]) -> Prior:
    """The prior from `(sd of the differences, number of pairs)` of five past studies or more.

    With `e = log s^2 - digamma(f/2) + log(f/2)`, f = n - 1: `trigamma(f0/2) = var(e) - mean
    trigamma(f/2)` and `log v0 = mean(e) + digamma(f0/2) - log(f0/2)`. Where the variances scatter
    no more than chance makes them, v0 is the pooled variance. f0 is at most the number of degrees
    of freedom of all past studies together: limma says infinity there, but no more can have been
    learned from them than they held. Studies without scatter (sd 0) are left out, as identical
    arms say nothing of noise. Intervals that use it hold the truth in 93 to 95 % of simulated
    studies at level .95. ValueError: fewer than five with scatter, a study of one pair.
    """
    from scipy.special import digamma, polygamma

    for sd, pairs in past:
        if pairs < 2:
            raise ValueError(f"past holds a study of {pairs} pairs: at least 2 give an SD")
        if sd != 0:
            positive(sd, "sd")
    kept = [(sd, pairs) for sd, pairs in past if sd > 0]
    if len(kept) < 5:
        raise ValueError(f"past holds {len(kept)} studies with scatter: a prior needs at least 5")
    variances = np.array([sd for sd, _ in kept]) ** 2
    half = np.array([pairs - 1 for _, pairs in kept]) / 2
    total = float(2 * half.sum())
    logs = np.log(variances) - digamma(half) + np.log(half)
    excess = float(logs.var(ddof=1) - polygamma(1, half).mean())
    freedom = 2 * _inverse_trigamma(excess) if excess > 0 else math.inf
    if freedom >= total:
        return Prior(float(half @ variances / half.sum()), total, len(kept))
    middle = float(logs.mean()) + float(digamma(freedom / 2)) - math.log(freedom / 2)
    return Prior(math.exp(middle), freedom, len(kept))


def _inverse_trigamma(value: float) -> float:
    """Newton's method on 1 / trigamma, which is convex and nearly straight (Smyth 2004)."""
    from scipy.special import polygamma

    if value > 1e7:
        return 1 / math.sqrt(value)
    if value < 1e-6:
        return 1 / value
    place = 0.5 + 1 / value
    for _ in range(50):
        trigamma = float(polygamma(1, place))
        step = trigamma * (1 - trigamma / value) / float(polygamma(2, place))
        place += step
        if -step / place < 1e-8:
            break
    return place

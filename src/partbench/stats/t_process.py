"""The exact joint law of t-tests on growing data, when the true mean is zero.

With n differences let `u = sum / sqrt(n * sum of squares)`; then `t = sqrt(n-1) u / sqrt(1-u^2)`.
For normal differences the direction of the data is independent of its length, so u at one look
tells all that earlier looks tell about u at the next: the t-tests are a Markov chain in one
number, and the recursion of Armitage, McPherson and Rowe (1969), which they wrote for known
variance, holds for t as well. With m new differences, `B ~ Beta(n1/2, (m-1)/2)` and an
independent Student T with n2-1 degrees of freedom, X = T / sqrt(n2-1):

    u2 = (sqrt(n1 B) u1 + sqrt(m) X) / sqrt(n2 (1 + X^2))

Why not the normal theory that is usual: its flat level at 4, 6, 8, 12 pairs is .0192, and t-tests
at .0192 raise false alarms in .056 of studies, not .05. Two-sided tests need |u| only.
"""

from functools import lru_cache

import numpy as np

from partbench.stats.checks import Numbers

# Cells over |z|, where z is the normal deviate with the p-value of t: fine where levels lie.
# Halving the cells and doubling the nodes moves a false-alarm rate of .05 by less than .0001.
_EDGES = np.concatenate([np.linspace(0, 5, 51), np.linspace(5, 8, 9)[1:]])
_NODES = 8


def first_rejections(looks: tuple[int, ...], levels: tuple[float, ...]) -> tuple[float, ...]:
    """For each look, the chance that it is the first with p <= its level, under the null.

    Their sum is the false-alarm rate of the whole plan.
    """
    p_values = _p_values()
    mass = -np.diff(p_values)
    rates = []
    for place, level in enumerate(levels):
        if place:
            mass = mass @ _passage(looks[place - 1], looks[place])
        rejected = mass * _share_below(level, p_values)
        rates.append(float(rejected.sum()))
        mass = mass - rejected
    return tuple(rates)


def levels_that_spend(looks: tuple[int, ...], rates: tuple[float, ...]) -> tuple[float, ...]:
    """The level of each look at which it is the first to reject with the chance given for it."""
    p_values = _p_values()
    mass = -np.diff(p_values)
    levels = []
    for place, rate in enumerate(rates):
        if place:
            mass = mass @ _passage(looks[place - 1], looks[place])
        beyond = np.append(np.cumsum(mass[::-1])[::-1], 0.0)  # mass above each edge
        cell = max(int(np.searchsorted(-beyond, -rate, side="right")) - 1, 0)
        share = (rate - beyond[cell + 1]) / mass[cell]
        level = float(p_values[cell + 1] + share * (p_values[cell] - p_values[cell + 1]))
        levels.append(level)
        mass = mass * (1 - _share_below(level, p_values))
    return tuple(levels)


@lru_cache(maxsize=1)
def _p_values() -> Numbers:
    """The two-sided p-value at each edge, falling from 1 to (nearly, then exactly) 0."""
    from scipy.special import ndtr

    p_values = 2 * ndtr(-_EDGES)
    p_values[-1] = 0.0
    return p_values


def _share_below(level: float, p_values: Numbers) -> Numbers:
    """The share of each cell whose p-value is at most `level`, p being even within a cell."""
    return np.clip((level - p_values[1:]) / -np.diff(p_values), 0, 1)


@lru_cache(maxsize=512)
def _passage(before: int, after: int) -> Numbers:
    """P(cell at `after` pairs | cell at `before` pairs), a matrix with rows that sum to 1."""
    from scipy.special import betaincinv, stdtr

    new, freedom = after - before, after - 1
    if new == 1:
        nodes, weights = np.ones(1), np.ones(1)
    else:
        places, weights = np.polynomial.legendre.leggauss(_NODES)
        nodes, weights = betaincinv(before / 2, (new - 1) / 2, (1 + places) / 2), weights / 2
    density = np.exp(-(_EDGES**2) / 2) / np.sqrt(2 * np.pi)
    centres = 2 * -np.diff(density) / -np.diff(_p_values())  # the mean of |z| in each cell
    start = np.sqrt(before * nodes)[:, None] * _u(centres, before)[:, None, None]
    end = np.sqrt(after) * _u(_EDGES, after)

    # With X = tan(angle), u2 <= end reads sin(angle + turn) <= end / sqrt(start^2 + new).
    turn = np.arctan(start / np.sqrt(new))
    sine = np.minimum(end / np.hypot(start, np.sqrt(new)), 1)
    arc = np.arcsin(sine)

    def student(angle: Numbers) -> Numbers:
        return stdtr(freedom, np.sqrt(freedom) * np.tan(np.clip(angle, -np.pi / 2, np.pi / 2)))

    below = student(arc - turn) - student(-arc - turn) + 1 - student(np.pi - arc - turn)
    below = np.einsum("cne,n->ce", np.where(sine >= 1, 1.0, below), weights)
    below[:, -1] = 1.0
    passage = np.diff(below, axis=1)
    passage.setflags(write=False)  # it is cached
    return passage


def _u(deviates: Numbers, pairs: int) -> Numbers:
    """|u| of the t statistic that has the two-sided p-value of these normal deviates."""
    from scipy.special import ndtr, stdtrit

    t = -stdtrit(pairs - 1, ndtr(-deviates))
    return t / np.hypot(t, np.sqrt(pairs - 1))

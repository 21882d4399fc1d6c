"""Dunnett's test: several arms against one base, on scores that are not paired.

For runs without shared seeds, such as a table of scores from elsewhere. Paired seeds are judged by
Holm on each arm's own differences (`multiplicity.holm`, `monitor.look`) instead, because Dunnett
takes all arms to be equally noisy, and paired differences are not: in our own runs their SDs go
from .0035 (a part that starts as the identity) to .021 (no positions). Five such arms of 5 pairs
and one pooled SD give a false alarm in 11 % of studies at a declared 5 %. Holm uses each arm's
own SD, and needs to know nothing of how arms that share a base depend on each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from partbench.stats.checks import Numbers, finite_numbers, probability

_NODES = 80


@dataclass(frozen=True)
class ManyToOne:
    """Differences of the arms' means to the base's, arm minus base, in the order given.

    The intervals hold all true differences together at `level`; `p` is adjusted likewise.
    """

    differences: tuple[float, ...]
    p: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    sd: float
    freedom: int
    level: float


def dunnett(base: ArrayLike, arms: Sequence[ArrayLike], level: float = 0.95) -> ManyToOne:
    """Two-sided comparison of each arm with the base, all false alarms together at 1 - level.

    `T_i = (mean_i - mean_0) / (s sqrt(1/n_i + 1/n_0))`, s pooled over all arms and the base with
    `N - k - 1` freedom. `P(max |T| < c)` by quadrature over the base's mean z and s: given both,
    arms are independent, `Phi((c s + l_i z) / m_i) - Phi((-c s + l_i z) / m_i)` with
    `l_i^2 = n_i / (n_i + n_0) = 1 - m_i^2`. Same numbers as scipy.stats.dunnett, without its
    random draws. Assumes normal scores with one SD. Source: Dunnett 1955.
    ValueError: no arms, scores that are not finite, no scatter in any of them.
    """
    level = probability(level, "level")
    if not arms:
        raise ValueError("arms is empty: give the scores of at least one")
    centre = finite_numbers(base, "base")
    rows = [finite_numbers(row, f"arms[{i}]") for i, row in enumerate(arms)]
    freedom = len(centre) + sum(map(len, rows)) - len(rows) - 1
    squares = sum(float(((row - row.mean()) ** 2).sum()) for row in (centre, *rows))
    if squares == 0:
        raise ValueError("no score differs from another of its arm: there is no noise to test by")
    sd = float(np.sqrt(squares / freedom))
    sizes = np.array([len(row) for row in rows])
    differences = np.array([row.mean() for row in rows]) - centre.mean()
    errors = sd * np.sqrt(1 / sizes + 1 / len(centre))
    inside = _Inside(np.sqrt(sizes / (sizes + len(centre))), freedom)
    p = tuple(min(1.0, max(0.0, 1 - inside.chance(t))) for t in np.abs(differences / errors))
    half = inside.bound(level) * errors
    return ManyToOne(
        tuple(differences.tolist()), p, tuple((differences - half).tolist()),
        tuple((differences + half).tolist()), sd, freedom, level,
    )  # fmt: skip


class _Inside:
    """P(max |T| < c) for arms with these loadings on the base."""

    def __init__(self, loadings: Numbers, freedom: int) -> None:
        from scipy.special import chdtri

        places, weights = np.polynomial.legendre.leggauss(_NODES)
        # s by its quantiles, in sin^2 so that nodes crowd where the tails are.
        angle = (places + 1) * np.pi / 4
        self.weights_s = weights * np.pi / 4 * np.sin(2 * angle)
        self.s = np.sqrt(chdtri(freedom, np.sin(angle) ** 2) / freedom)
        z = np.linspace(-8, 8, 2 * _NODES + 1)
        density = np.exp(-(z**2) / 2)
        self.z, self.weights_z = z, density / density.sum()
        self.loadings = loadings

    def chance(self, bound: float) -> float:
        """P(max |T| < bound)."""
        from scipy.special import ndtr

        product = np.ones((len(self.s), len(self.z)))
        for loading in self.loadings:
            rest = np.sqrt(1 - loading**2)
            reach, shift = bound * self.s[:, None] / rest, loading * self.z / rest
            product *= ndtr(reach + shift) - ndtr(-reach + shift)
        return float(self.weights_s @ product @ self.weights_z)

    def bound(self, level: float) -> float:
        """The c with P(max |T| < c) = level."""
        from scipy.optimize import brentq

        large = 2.0
        while self.chance(large) < level:
            large *= 2
        return float(brentq(lambda bound: self.chance(bound) - level, 0, large, xtol=1e-10))

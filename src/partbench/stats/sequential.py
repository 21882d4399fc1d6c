"""Looking at the results more than once without raising the rate of false alarms.

Planned looks: a `Design` gives each look its nominal level, to be held against the p-value of
the paired t-test at that look. Unplanned looks: the e-process, valid at every number of pairs.
It rejects exactly where |t| passes a bound that depends on the number of pairs alone, so it too
is a `Design`, `unplanned`, with a look at every pair: its intervals are the confidence sequence.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from partbench.stats.checks import finite_numbers, positive, probability
from partbench.stats.paired import mean_and_sd
from partbench.stats.t_process import first_rejections, levels_that_spend

# Below this a confidence level of 1 - level can no longer be told from 1.
_LEAST_LEVEL = 1e-12


@dataclass(frozen=True)
class Design:
    """Planned looks: at `looks[k]` pairs, p <= `levels[k]` (two-sided) decides.

    Under the null the chance that any look decides is `alpha`. The intervals at confidence
    `1 - levels[k]` therefore hold the true difference at all looks together with 1 - alpha.
    """

    looks: tuple[int, ...]
    levels: tuple[float, ...]
    name: str
    alpha: float

    def confidence(self, look: int) -> float:
        """The level of the interval at the look with this place (0 is the first)."""
        return 1 - self.levels[look]

    def at(self, alpha: float) -> "Design":
        """The same kind of design, with the same looks, at another false-alarm rate."""
        if self.name not in DESIGNS:
            raise ValueError(f"design {self.name!r} is not known: choose {', '.join(DESIGNS)}")
        return DESIGNS[self.name](self.looks, alpha)

    def false_alarms(self) -> float:
        """P(some look decides | no difference), exactly, for t-tests on normal differences."""
        return sum(first_rejections(self.looks, self.levels))


def flat(looks: Sequence[int], alpha: float = 0.05) -> Design:
    """One nominal level for all looks (Pocock 1977), found for t-tests, not for normal theory.

    Decides strong effects early: .0171 each at 4, 6, 8, 12 pairs and alpha .05.
    """
    return _calibrated("flat", _checked_looks(looks), probability(alpha, "alpha"))


def obrien_fleming(looks: Sequence[int], alpha: float = 0.05) -> Design:
    """Nominal levels `2 - 2 Phi(c * sqrt(last / pairs))`, with c found for t-tests.

    Saves alpha for the last look (O'Brien & Fleming 1979): (.0005, .0133, .0432) at 4, 8, 12.
    """
    return _calibrated("obrien_fleming", _checked_looks(looks), probability(alpha, "alpha"))


def spending(looks: Sequence[int], alpha: float = 0.05, kind: str = "obrien_fleming") -> Design:
    """Levels that have spent a set part of alpha by each share f of the pairs (Lan-DeMets 1983).

    kind "obrien_fleming": `2 - 2 Phi(z[1-alpha/2] / sqrt(f))`; "pocock": `alpha ln(1 + (e-1) f)`.
    """
    if kind not in ("obrien_fleming", "pocock"):
        raise ValueError(f"spending kind {kind!r} is not known: choose obrien_fleming or pocock")
    return _spending(_checked_looks(looks), probability(alpha, "alpha"), kind)


def unplanned(most: int, alpha: float = 0.05) -> Design:
    """A look at every pair from the second to `most`, for those who stop when they like.

    The level of a look is the p of the t-test where `e_value` (kappa = 2) reaches 1 / alpha, and
    the interval there is `confidence_sequence`; at 2 and 3 pairs nothing is decided at alpha .05.
    Stopping at any look for any reason, and going on past `most`, keeps false alarms at alpha or
    below: looking at all of 12 pairs raises .019 of them. Source: Lai 1976; Wang & Ramdas 2024.
    """
    return _unplanned(_checked_looks(range(2, most + 1)), probability(alpha, "alpha"))


@lru_cache(maxsize=1024)
def _unplanned(looks: tuple[int, ...], alpha: float) -> Design:
    from scipy.special import stdtr

    levels = []
    for pairs in looks:
        bound = math.sqrt(pairs) * _half_width(pairs, alpha, kappa=2.0)
        levels.append(max(2 * float(stdtr(pairs - 1, -bound)), _LEAST_LEVEL))
    return Design(looks, tuple(levels), "unplanned", alpha)


@lru_cache(maxsize=1024)
def _calibrated(name: str, looks: tuple[int, ...], alpha: float) -> Design:
    """Bisect the last look's level between alpha / looks (Bonferroni: safe) and alpha."""
    from scipy.special import ndtr, ndtri

    def levels(last: float) -> tuple[float, ...]:
        if name == "flat":
            return (last,) * len(looks)
        c = -ndtri(last / 2)
        return tuple(
            max(2 * float(ndtr(-c * math.sqrt(looks[-1] / n))), _LEAST_LEVEL) for n in looks
        )

    safe, unsafe = alpha / len(looks), alpha
    for _ in range(40):
        middle = math.sqrt(safe * unsafe)
        if sum(first_rejections(looks, levels(middle))) <= alpha:
            safe = middle
        else:
            unsafe = middle
    return Design(looks, levels(safe if len(looks) > 1 else alpha), name, alpha)


@lru_cache(maxsize=1024)
def _spending(looks: tuple[int, ...], alpha: float, kind: str) -> Design:
    from scipy.special import ndtr, ndtri

    shares = np.array(looks) / looks[-1]
    if kind == "pocock":
        spent = alpha * np.log1p((math.e - 1) * shares)
    else:
        spent = 2 * ndtr(ndtri(alpha / 2) / np.sqrt(shares))
    levels = levels_that_spend(looks, tuple(np.diff(spent, prepend=0.0)))
    levels = tuple(max(level, _LEAST_LEVEL) for level in levels)
    return Design(looks, levels, f"spending_{kind}", alpha)


def _checked_looks(looks: Sequence[int]) -> tuple[int, ...]:
    checked = tuple(int(look) for look in looks)
    rising = all(left < right for left, right in pairwise(checked))
    if not checked or checked[0] < 2 or not rising or list(checked) != list(looks):
        raise ValueError(
            f"looks are {tuple(looks)}: give rising whole numbers of pairs from 2 on, "
            "such as (4, 6, 8, 12)"
        )
    return checked


DESIGNS: dict[str, Callable[[Sequence[int], float], Design]] = {
    "flat": flat,
    "obrien_fleming": obrien_fleming,
    "spending_obrien_fleming": lambda looks, alpha: spending(looks, alpha, "obrien_fleming"),
    "spending_pocock": lambda looks, alpha: spending(looks, alpha, "pocock"),
    "unplanned": lambda looks, alpha: _unplanned(tuple(looks), alpha),
}
"""The designs by name, each made from its looks and the false-alarm rate of all of them."""


def e_value(differences: ArrayLike, kappa: float = 2.0) -> float:
    """The Gaussian-mixture t e-value; `e >= 1/alpha` rejects at any time, however often seen.

    `log e = -log(g)/2 + (n/2) (log(1 + t^2/v) - log(1 + t^2/(v g)))`, v = n-1, g = 1 + n kappa^2:
    the Bayes factor of effects `mean/sd ~ N(0, kappa^2)`. 1 below two pairs, which say nothing.
    Source: Lai 1976; Wang & Ramdas 2024.
    """
    kappa = positive(kappa, "kappa")
    numbers = finite_numbers(differences, "differences", least=0)
    count = len(numbers)
    if count < 2:
        return 1.0
    mean, sd = mean_and_sd(numbers)
    g = 1 + count * kappa**2
    if mean == 0:
        gain = 0.0
    elif sd == 0:
        gain = math.log(g)  # the limit for t to infinity
    else:
        ratio = count * (mean / sd) ** 2 / (count - 1)
        gain = math.log1p(ratio) - math.log1p(ratio / g)
    return math.exp(min(-math.log(g) / 2 + count / 2 * gain, 700.0))


def always_valid_p(differences: ArrayLike, kappa: float = 2.0) -> float:
    """`min over k of 1/e_k`, at most 1: a p-value that looking at every pair does not spoil."""
    numbers = finite_numbers(differences, "differences", least=0)
    return min(
        [1.0, *(1 / e_value(numbers[:count], kappa) for count in range(2, len(numbers) + 1))]
    )


def confidence_sequence(
    differences: ArrayLike, alpha: float = 0.05, kappa: float = 2.0
) -> tuple[float, float]:
    """The means that the e-process does not reject: holds the truth at all n with 1 - alpha.

    `mean +- sd sqrt(v (c-1) / (1 - c/g) / n)`, c = (g/alpha^2)^(1/n); infinite while c >= g.
    """
    alpha, kappa = probability(alpha, "alpha"), positive(kappa, "kappa")
    numbers = finite_numbers(differences, "differences", least=0)
    if (width := _half_width(len(numbers), alpha, kappa)) == math.inf:
        return -math.inf, math.inf
    mean, sd = mean_and_sd(numbers)
    return mean - width * sd, mean + width * sd


def _half_width(count: int, alpha: float, kappa: float) -> float:
    """That of the confidence sequence, in SDs of the differences."""
    g = 1 + count * kappa**2
    if count < 2 or (c := (g / alpha**2) ** (1 / count)) >= g:
        return math.inf
    return math.sqrt((count - 1) * (c - 1) / (1 - c / g) / count)


def running_intersection(
    differences: ArrayLike, alpha: float = 0.05, kappa: float = 2.0
) -> tuple[float, float]:
    """The confidence sequences after 2, 3, ... n pairs, intersected: never widens, still 1 - alpha.

    Empty (low above high) with probability at most alpha; then the pairs are not alike.
    """
    numbers = finite_numbers(differences, "differences", least=0)
    lows, highs = [-math.inf], [math.inf]
    for count in range(2, len(numbers) + 1):
        low, high = confidence_sequence(numbers[:count], alpha, kappa)
        lows.append(low)
        highs.append(high)
    return max(lows), min(highs)

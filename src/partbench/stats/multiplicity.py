"""Many arms at once: how strong each result must be so that few claims in all are false."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from partbench.stats.checks import Numbers, one_row, probability


@dataclass(frozen=True)
class Holm:
    """Claims that hold the chance of even one false rejection at alpha; order as given."""

    rejected: tuple[bool, ...]
    adjusted: tuple[float, ...]


@dataclass(frozen=True)
class Discoveries:
    """Claims that hold the expected share of false ones among them at alpha; order as given."""

    rejected: tuple[bool, ...]
    adjusted: tuple[float, ...]


def holm(p_values: ArrayLike, alpha: float = 0.05) -> Holm:
    """Step down: the j-th smallest of m p-values (j = 1 first) meets alpha / (m - j + 1).

    `adjusted_(j) = max over i <= j of (m - i + 1) p_(i)`, at most 1. Valid under any dependence,
    so for arms that share a base, each judged by the noise of its own pairs (`dunnett.py` says
    why not Dunnett's test). Source: Holm 1979.
    """
    p, alpha = _p_values(p_values), probability(alpha, "alpha")
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = _in_given_order(np.minimum(steps, 1), order)
    return Holm(*_answers(adjusted, alpha))


def benjamini_hochberg(p_values: ArrayLike, alpha: float = 0.05) -> Discoveries:
    """Step up: reject the j smallest for the largest j with `p_(j) <= alpha j / m`.

    For screening only: needs independent or positively dependent p-values.
    Source: Benjamini & Hochberg 1995; equal to scipy.stats.false_discovery_control.
    """
    p, alpha = _p_values(p_values), probability(alpha, "alpha")
    order = np.argsort(p, kind="stable")
    steps = p[order] * len(p) / np.arange(1, len(p) + 1)
    return Discoveries(*_answers(_step_up(steps, order), alpha))


def e_benjamini_hochberg(e_values: ArrayLike, alpha: float = 0.05) -> Discoveries:
    """e-BH: reject the j largest for the largest j with `e_(j) >= m / (alpha j)`.

    Valid under any dependence and at any stopping time: right for unplanned looks at arms that
    share a base. `adjusted` is the least alpha that rejects. Source: Wang & Ramdas 2022.
    """
    e, alpha = one_row(e_values, "e_values"), probability(alpha, "alpha")
    if not (e >= 0).all():
        raise ValueError("e_values holds a negative number or nan: an e-value is 0 or above")
    order = np.argsort(-e, kind="stable")
    with np.errstate(divide="ignore"):
        steps = len(e) / (np.arange(1, len(e) + 1) * e[order])
    return Discoveries(*_answers(_step_up(steps, order), alpha))


def _step_up(steps: Numbers, order: np.ndarray) -> Numbers:
    """The least alpha that rejects each claim: the best of its own step and all later ones."""
    return _in_given_order(np.minimum(np.minimum.accumulate(steps[::-1])[::-1], 1), order)


def _in_given_order(ordered: Numbers, order: np.ndarray) -> Numbers:
    given = np.empty_like(ordered)
    given[order] = ordered
    return given


def _answers(adjusted: Numbers, alpha: float) -> tuple[tuple[bool, ...], tuple[float, ...]]:
    return tuple((adjusted <= alpha).tolist()), tuple(adjusted.tolist())


def _p_values(values: ArrayLike) -> Numbers:
    p = one_row(values, "p_values")
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError("p_values holds a number outside 0 to 1: give one p-value for each claim")
    return p

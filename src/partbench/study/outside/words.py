"""One verdict as the report's tree has it, in the metric's own direction; and what pairs tell.

The statistics know lower scores as better. A metric that is better higher is turned round before
and back after: in the tree a difference is always arm minus base, in the metric's unit.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from partbench.stats import paired, verdict
from partbench.stats.checks import Numbers
from partbench.stats.power import pairs_to_settle
from partbench.stats.verdict import Verdict

Tree = dict[str, Any]
ALIKE = 0.2
"""Below this correlation pairing has saved next to nothing: one pair does the work of 1.25."""


def turned(scores: Sequence[float], higher: bool) -> Numbers:
    """Scores of which the lower is better; what is not finite stays so."""
    numbers = np.asarray(scores, dtype=np.float64)
    return -numbers if higher else numbers


def told(found: Verdict, base: Numbers, arm: Numbers, higher: bool, look: int | None) -> Tree:
    """The verdict on an arm, from scores that are `turned` already and are pairs."""
    finite = found.method == "paired t"
    settle = None
    if found.word == verdict.INCONCLUSIVE and finite:
        settle = pairs_to_settle(arm - base, found.margin, found.level)
    tree = {
        "word": found.word,
        "sign": found.sign,
        "level": found.level,
        "pairs": found.count,
        "look": None if look is None else look + 1,
        "p": found.p,
        "p_sign_flip": paired.sign_flip(arm - base) if finite else None,
        "correlation": paired.correlation(base, arm) if finite else None,
        "sd_difference": found.sd,
        "method": found.method,
        "settle": None if settle is None or None in settle else list(settle),
        "diverged": {"base": found.base_diverged, "arm": found.arm_diverged},
    }
    return tree | ends(found.difference, found.low, found.high, higher)


def ends(difference: float, low: float, high: float, higher: bool) -> Tree:
    """Difference and interval in the metric's own direction."""
    if higher:
        difference, low, high = -difference, -high, -low
    return {"difference": difference, "low": low, "high": high}


def none(pairs: int) -> Tree:
    """The place of a verdict that there is not."""
    return {"word": None, "pairs": pairs}


def seed_has_no_effect(base: Sequence[float], arm: Sequence[float]) -> bool:
    """Whether every run of the base gave one number, and every run of the arm too."""
    return len(base) > 1 and len(set(base)) == 1 and len(set(arm)) == 1


def about_pairs(name: str, correlation: float | None) -> str | None:
    """What a correlation of about 0 means, in a sentence; None where there is nothing to say."""
    if correlation is None or abs(correlation) >= ALIKE:
        return None
    return (
        f"{name}: the pairs' correlation is about 0, so sharing a seed made base and arm no more "
        f"alike than strangers and saved no runs. The verdict holds all the same: it rests on the "
        f"differences alone. If the seed should fix the order of the data and the starting values "
        f"in both, see whether it does."
    )


def time_ratio(base: Sequence[float], arm: Sequence[float], level: float = 0.95) -> Tree:
    """Seconds a run, arm over base, with the interval of the mean log ratio over pairs."""
    nothing = {"time_ratio": None, "time_ratio_low": None, "time_ratio_high": None}
    if not base or min(*base, *arm) <= 0:
        return nothing
    logs = [math.log(b / a) for a, b in zip(base, arm, strict=True)]
    if len(logs) < 2:
        return nothing | {"time_ratio": math.exp(logs[0])}
    found = paired.paired(logs, level)
    return {
        "time_ratio": math.exp(found.mean),
        "time_ratio_low": verdict.grown(found.low),
        "time_ratio_high": verdict.grown(found.high),
    }

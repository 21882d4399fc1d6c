"""What the base's own curve is good for: the margin, equal seconds, the compute multiplier.

slope s = -dL / d ln(compute), from the base at a smaller and its whole budget, on the same seeds
margin of x of compute = s ln(1 + x);  at equal seconds d + s ln(time ratio);  multiplier
exp(-d / s).  All follow the curve's tangent: near the base's own budget only.
"""

import math
from typing import Any

from partbench.stats import verdict
from partbench.stats.checks import Numbers
from partbench.stats.matching import SECONDS, TOKENS, Ratio, four_matchings
from partbench.stats.multiplier import over_seeds
from partbench.stats.paired import paired
from partbench.stats.verdict import Slope
from partbench.study.ledger import Curve, Records
from partbench.study.plan import curve_budget
from partbench.study.spec import Study

Tree = dict[str, Any]


def slope_of(records: Records, curve: Curve, study: Study) -> Tree | None:
    """Slope and standard error in the task's unit an e-fold of compute, and the drops by seed.

    None before two seeds have both budgets, and where a score is not above 0.
    """
    both = [
        (small["score"], whole["score"], seed)
        for seed, small in curve.items()
        if (whole := records.get(("base", seed)))
        and small
        and small["status"] == whole["status"] == "finished"
    ]
    if len(both) < 2 or min(min(row[:2]) for row in both) <= 0:
        return None
    steps = study.base.resolved["train"]["steps"]
    small = curve_budget(study.base).resolved["train"]["steps"]
    if small == steps:
        return None
    low, high = [row[0] for row in both], [row[1] for row in both]
    found = verdict.slope_of_curve(low, high, steps / small)
    drops = verdict.tangent_drops(low, high)
    return {
        "value": found.slope,
        "standard_error": found.standard_error,
        "budgets": [small, steps],
        "drops": {str(row[2]): float(drop) for row, drop in zip(both, drops, strict=True)},
        "pairs": found.count,
    }


def unit_margin(
    margin: tuple[float, str], slope: Tree | None, unit: str
) -> tuple[float | None, str]:
    """The margin in the task's unit and how to say it; None while the slope is not known.

    A base that does not improve with compute gives no margin of compute: then the text says so.
    """
    number, kind = margin
    if kind != "compute":
        return number, f"{number:g} {unit}".strip()
    share = f"{100 * number:g} % of compute"
    if slope is None:
        return None, share
    if slope["value"] <= 0:
        return None, f"{share}, which the base's flat curve cannot convert; give one in {unit}"
    value = slope["value"] * math.log1p(number)
    return value, f"{value:.3f} {unit}, which {share} buys the base"


def matchings(
    differences: Numbers,
    ratios: dict[str, Ratio | None],
    slope: Tree | None,
    margin: float,
    level: float,
) -> dict[str, Tree | None]:
    """The verdict at equal parameters, FLOPs and seconds: word and interval, or the reason."""
    curve = slope and Slope(slope["value"], slope["standard_error"], slope["pairs"])
    made = four_matchings(paired(differences, level), ratios, curve or None, None, margin, level)
    found: dict[str, Tree | None] = {}
    for kind, matching in made.items():
        if matching.result is not None:
            result = matching.result
            found[kind] = {
                "word": result.word,
                "sign": result.sign,
                "difference": result.difference,
                "low": result.low,
                "high": result.high,
            }
        elif kind != SECONDS:
            found[kind] = {"word": None, "reason": matching.reason}
    found.pop(TOKENS)
    return found


def compute_multiplier(
    differences: Numbers, seeds: list[int], slope: Tree | None, level: float
) -> Tree | None:
    """How much more compute the base would need to reach the arm's score, with its interval.

    `seeds[i]` is that of `differences[i]`.
    """
    if slope is None:
        return None
    budgets = slope["budgets"][1] / slope["budgets"][0]
    both = [
        (difference, slope["drops"][str(seed)])
        for seed, difference in zip(seeds, differences, strict=True)
        if str(seed) in slope["drops"]
    ]
    if len(both) >= 3:
        # The seeds that were trained at both budgets carry the base's noise in both numbers.
        found = over_seeds([d for d, _ in both], [drop for _, drop in both], budgets, level)
    else:
        found = verdict.multiplier(
            paired(differences, level), slope["value"], slope["standard_error"], level
        )
    if found is None:
        return None
    return {"value": found.value, "low": found.low, "high": found.high}

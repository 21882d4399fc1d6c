"""The verdicts of a committed study made anew from its records, and where they differ.

Nothing of the report is taken over but what was declared: margin, looks, level, and which arms
tuning held back. The same functions judge as when the study ran.
"""

import math
from functools import lru_cache
from typing import Any

from partbench.claims.records import Kept
from partbench.core.numerics import Numerics
from partbench.report import tree as plain
from partbench.stats import monitor
from partbench.stats.divergence import signed_differences
from partbench.stats.sequential import DESIGNS
from partbench.study import evidence
from partbench.study.reading import Reading
from partbench.study.spec import Study
from partbench.study.verdicts import entry

NEAR = 1e-9
"""Numbers this near, relatively, are the same: another version of scipy may round differently."""
Tree = dict[str, Any]


@lru_cache(maxsize=64)
def verdicts(kept: Kept) -> dict[str, Tree]:
    """Arm -> its verdict, from the records alone; of commands, the numbers of the test alone."""
    report = kept.report
    looks = [arm["verdict"]["look"] for arm in report["arms"] if arm["verdict"].get("look")]
    look = max(looks) - 1 if looks else None
    if report.get("kind") == "commands":
        return _of_commands(report, look)
    study = _study(kept)
    held = {
        row["name"]: row["held_back"]
        for row in (report["tuning"] or {"arms": []})["arms"]
        if row["held_back"] and row["name"] != "base"
    }
    audited = {name: evidence.audited(name, kept.costs) for name in study.arms}
    slope = None if kept.whole else report["slope"]  # its small runs are not in the report
    reading = Reading(study, kept.records, kept.curve, held, audited, slope)
    standings, futile = reading.standings(look)
    made = {}
    for name in study.arms:
        whole = entry(reading, name, standings.get(name), futile.get(name), kept.costs, look)
        made[name] = plain.finite(whole["verdict"])
    return made


def differences(kept: Kept) -> list[str]:
    """Where the verdicts made anew are not those of the report, a line each; empty: all the same.

    What happened at equal seconds is left out where the committed record has no costs, and all
    but the test itself where the runs were commands.
    """
    found = []
    made = verdicts(kept)
    for arm in kept.report["arms"]:
        for key, told in arm["verdict"].items():
            if key not in made[arm["name"]] or (key == "seconds" and not kept.costs):
                continue
            new = made[arm["name"]][key]
            if not same(told, new):
                found.append(f"{arm['name']}: {key}: {told!r} in the report, {new!r} made anew")
    return found


def same(one: Any, other: Any) -> bool:
    """Whether two trees say the same, numbers to nine digits."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=NEAR, abs_tol=1e-12)
    return one == other


def _of_commands(report: Tree, look: int | None) -> dict[str, Tree]:
    """Word, interval and p of every arm from its pairs; arms of the study that failed have none."""
    if look is None:
        return {arm["name"]: {} for arm in report["arms"]}
    design = DESIGNS[report["design"]["name"]](tuple(report["design"]["looks"]), report["alpha"])
    turn = -1.0 if report["higher_is_better"] else 1.0
    results = {}
    for arm in report["arms"]:
        if arm["verdict"]["word"] is not None:
            both = [(_number(row["base"]), _number(row["arm"])) for row in arm["pairs"]]
            results[arm["name"]] = signed_differences(*zip(*both, strict=True)) * turn
    alpha = report["alpha"] * len(results) / len(report["arms"])
    found = monitor.look(design, look, results, report["margin"], alpha)
    made: dict[str, Tree] = {arm["name"]: {} for arm in report["arms"]}
    for name, standing in found.items():
        told = standing.verdict
        ends = sorted((told.low * turn, told.high * turn))
        made[name] = {
            "word": told.word, "difference": told.difference * turn, "low": ends[0],
            "high": ends[1], "level": told.level, "pairs": told.count, "p": told.p,
        }  # fmt: skip
    return made


def _number(score: float | None) -> float:
    return math.inf if score is None else score


def _study(kept: Kept) -> Study:
    """The settled study: base and arms as their pairs ran."""
    report, declared = kept.report, kept.declared
    number, kind = declared["margin"]
    return Study(
        name=report["name"],
        question=report["question"],
        base=kept.configs["base"],
        arms={arm["name"]: kept.configs[arm["name"]] for arm in report["arms"]},
        margin=(number, kind),
        alpha=declared["alpha"],
        looks=tuple(declared["looks"]),
        design=declared["design"],
        first_seed=declared["first_seed"],
        numerics=Numerics(**declared["numerics"]),
    )

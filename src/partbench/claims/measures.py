"""What a test reads off a record: one number with its interval.

    study     arm - against over the pairs: the verdict's own interval for the score against the
              base, else a paired t interval at that verdict's level
    others    one number has no interval; several (seeds, rounds) have a paired t interval of 95 %

`over` gives a ratio, by logarithms: exp(mean of ln(value / over)).
"""

import math
from dataclasses import dataclass
from typing import Any

from partbench.claims.claim import Check
from partbench.claims.records import Kept
from partbench.claims.select import numbers
from partbench.core.errors import ConfigError
from partbench.stats.paired import paired

Tree = dict[str, Any]
LEVEL = 0.95


@dataclass(frozen=True)
class Measure:
    """A value with its interval; `count` pairs, and the margin that goes with it."""

    value: float
    low: float | None
    high: float | None
    level: float | None
    count: int
    unit: str
    margin: float
    reason: str = ""


NOTHING = Measure(math.nan, None, None, None, 0, "", 0.0)


def of_study(test: Check, kept: Kept, verdicts: dict[str, Tree]) -> Measure:
    """The test's number in a committed study, `verdicts` being its arms' made anew.

    ConfigError where the study has no such arm.
    """
    known = ["base", *(arm["name"] for arm in kept.report["arms"])]
    for name in (test.arm, test.against):
        if name not in known:
            raise ConfigError(f"{kept.report['name']}: no arm called '{name}'")
    verdict = verdicts[test.arm]
    unit, margin = kept.report["unit"], kept.report["margin"] or 0.0
    if verdict.get("word") is None:
        return _none(verdict.get("reason") or "the study has not come to a verdict")
    if test.measure == "time_ratio":
        costs = next(a["costs"] for a in kept.report["arms"] if a["name"] == test.arm)
        told = [costs["time_ratio" + end] for end in ("", "_low", "_high")]
        if told[0] is None:
            return _none("times were not measured")
        return Measure(
            told[0], told[1], told[2], LEVEL, 0, "times the base's seconds", _margin(test, 0.0)
        )
    if test.measure == "seconds":
        if not verdict.get("seconds"):
            return _none("times were not measured")
        told = [verdict["seconds"][end] for end in ("difference", "low", "high")]
        unit += " at equal seconds"
        return Measure(
            told[0],
            told[1],
            told[2],
            verdict["level"],
            verdict["pairs"],
            unit,
            _margin(test, margin),
        )
    if test.measure == "score" and test.against == "base":
        told = [verdict[end] for end in ("difference", "low", "high")]
        return Measure(
            told[0],
            told[1],
            told[2],
            verdict["level"],
            verdict["pairs"],
            unit,
            _margin(test, margin),
        )
    score = test.measure == "score"
    seeds = [row["seed"] for row in _arm(kept, test.arm)["pairs"]]
    differences = []
    for seed in seeds:
        both = [_number(kept, name, seed, test) for name in (test.arm, test.against)]
        if None not in both:
            differences.append(both[0] - both[1])  # type: ignore[operator]
    level = verdict["level"] if score else LEVEL
    unit = unit if score else test.measure
    return _paired(differences, level, unit, _margin(test, margin if score else 0.0))


def of_record(test: Check, tree: Tree) -> Measure:
    """The test's number in a record of any other kind; ConfigError where it is not there."""
    values = numbers(tree, test.value)
    if test.over:
        others = numbers(tree, test.over)
        if len(others) == 1 < len(values):
            others *= len(values)
        logs = [math.log(a / b) for a, b in _both(test, values, others)]
        found = _paired(logs, LEVEL, "ratio", 0.0)
        if found.reason:
            return found
        low, high = (None if end is None else math.exp(end) for end in (found.low, found.high))
        value, margin = math.exp(found.value), _margin(test, 0.0)
        return Measure(value, low, high, found.level, found.count, "ratio", margin)
    if test.minus:
        others = numbers(tree, test.minus)
        values = [a - b for a, b in _both(test, values, others)]
    return _paired(values, LEVEL, "", _margin(test, 0.0))


def _both(test: Check, values: list[float], others: list[float]) -> list[tuple[float, float]]:
    """Numbers side by side; ConfigError where there are more of one kind."""
    if len(values) != len(others):
        place = test.minus or test.over
        raise ConfigError(f"{test.value}: {len(values)} numbers, and {len(others)} at {place}")
    return list(zip(values, others, strict=True))


def _arm(kept: Kept, name: str) -> Tree:
    return next(arm for arm in kept.report["arms"] if arm["name"] == name)


def _number(kept: Kept, name: str, seed: int, test: Check) -> float | None:
    record = kept.records.get((name, seed))
    if record is None or record["status"] != "finished":
        return None
    try:
        found = numbers(record, test.measure)
    except ConfigError:
        return None
    return None if not found else abs(found[0]) if test.size else found[0]


def _paired(differences: list[float], level: float, unit: str, margin: float) -> Measure:
    if not differences:
        return _none("the committed records hold no number for this")
    if len(differences) == 1:
        return Measure(differences[0], None, None, None, 1, unit, margin)
    found = paired(differences, level)
    return Measure(found.mean, found.low, found.high, level, found.count, unit, margin)


def _margin(test: Check, usual: float) -> float:
    return usual if test.margin is None else test.margin


def _none(reason: str) -> Measure:
    return Measure(math.nan, None, None, None, 0, "", 0.0, reason)

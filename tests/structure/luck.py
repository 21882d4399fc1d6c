"""The figures of docs/why.md, from the committed records of the calibration and from formulas."""

import json
import math
import statistics
from collections import defaultdict
from functools import cache

from tests.structure.tree import ROOT

from partbench.stats.sequential import Design

Scores = dict[int, float]


@cache
def bank() -> tuple[dict[str, Scores], dict[int, list[int]]]:
    """Scores of each arm of the bank by seed, and the seeds of each fold."""
    arms: dict[str, Scores] = defaultdict(dict)
    folds: dict[int, list[int]] = defaultdict(list)
    path = ROOT / "results" / "calibration" / "cells.jsonl"
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        arms[row["arm"]][row["seed"]] = row["score"]
        if row["arm"] == "base":
            folds[row["fold"]].append(row["seed"])
    return dict(arms), dict(folds)


def apart(arm: str) -> list[float]:
    """Arm minus base of runs at seeds of their own, scored on the same text."""
    arms, folds = bank()
    return [
        arms[arm][other] - arms["base"][seed]
        for seeds in folds.values()
        for seed in seeds
        for other in seeds
        if other != seed
    ]


def together(arm: str) -> list[float]:
    """Arm minus base of runs at one seed."""
    arms, _ = bank()
    return [arms[arm][seed] - score for seed, score in arms["base"].items()]


def spread_of_a_run() -> float:
    """Standard deviation of the base's score over seeds, on the same held-out text."""
    arms, folds = bank()
    rows = [[arms["base"][seed] for seed in seeds] for seeds in folds.values()]
    return math.sqrt(statistics.mean(map(statistics.variance, rows)))


def share(values: list[float], below: float) -> float:
    """The share of values below a number."""
    return sum(value < below for value in values) / len(values)


def best_of(many: int) -> float:
    """P(the best of `many` alike candidates passes a one-sided 5 % test against one try of a base).

    All have the same normal noise: 1 - integral of phi(x) (1 - Phi(x - 1.645 sqrt 2))^many.
    """
    from scipy.integrate import quad
    from scipy.special import ndtr, ndtri

    bound = float(ndtri(0.95)) * math.sqrt(2)
    density = 1 / math.sqrt(2 * math.pi)

    def none(x: float) -> float:
        return density * math.exp(-x * x / 2) * float(ndtr(bound - x)) ** many

    return 1 - quad(none, -10, 10)[0]


def peeking() -> float:
    """False alarms of a 5 % test at each of the default looks."""
    return Design((4, 6, 8, 12), (0.05,) * 4, "flat", 0.05).false_alarms()

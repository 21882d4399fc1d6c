"""A verdict on runs that exist already, as strict as what is known of their design.

looks declared    planned pairs: the group-sequential paired t-test, as in every study; one look
                  is a number fixed beforehand. Runs that are no pairs: Welch's t-test
no looks          nobody knows when it was stopped: intervals that hold at every number of runs
one run each, runs that diverged without a plan, seeds without effect: no verdict, and why
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from partbench.core.errors import ConfigError, nearest
from partbench.exchange.runs_table import RunsTable, TableRun
from partbench.stats import monitor, paired, sequential, unpaired, verdict
from partbench.stats.checks import Numbers
from partbench.stats.divergence import signed_differences
from partbench.study.outside import words

Tree = dict[str, Any]
USUAL_BASES = ("base", "baseline", "control", "reference", "default")


@dataclass(frozen=True)
class Sides:
    """Base and arm: scores with the lower better (nan: diverged), as pairs where `seeds` says."""

    base: Numbers
    arm: Numbers
    seeds: tuple[str, ...] = ()

    @property
    def paired(self) -> bool:
        """Whether the two rows are pairs."""
        return bool(self.seeds)

    @property
    def diverged(self) -> tuple[int, int]:
        """Runs without a finite score, of base and arm."""
        return tuple(sum(not math.isfinite(x) for x in row) for row in (self.base, self.arm))  # type: ignore[return-value]


def base_of(table: RunsTable, wanted: str | None) -> str:
    """The name of the base: the one wanted, else a usual name; ConfigError where neither is."""
    arms = table.arms()
    if len(arms) < 2:
        raise ConfigError(f"only '{arms[0]}' is in the file; a comparison needs two arms")
    if wanted is not None:
        if wanted not in arms:
            raise ConfigError(f"--base {wanted}: no such arm in the file; {nearest(wanted, arms)}")
        return wanted
    usual = [arm for name in USUAL_BASES for arm in arms if arm.lower() == name]
    if len(usual) != 1:
        raise ConfigError(f"which arm is the base? Say --base NAME; there are {', '.join(arms)}")
    return usual[0]


def sides_of(base: Sequence[TableRun], own: Sequence[TableRun], higher: bool) -> Sides:
    """Pairs where at least half of the smaller side shares its seeds, else two groups."""
    left = {run.seed: run for run in base if run.seed is not None and run.score is not None}
    right = {run.seed: run for run in own if run.seed is not None and run.score is not None}
    shared = sorted(left.keys() & right.keys(), key=_in_order)
    if len(shared) >= 2 and 2 * len(shared) >= min(len(left), len(right)):
        scores = [[row[seed].score for seed in shared] for row in (left, right)]
        seeds = tuple(shared)
    else:
        scores = [[run.score for run in row if run.score is not None] for row in (base, own)]
        seeds = ()
    first, second = (words.turned([float(x or 0.0) for x in row], higher) for row in scores)
    return Sides(first, second, seeds)


def _in_order(seed: str) -> tuple[int, float, str]:
    try:
        return 0, float(seed), seed
    except ValueError:
        return 1, 0.0, seed


def judged(
    sides: dict[str, Sides],
    margin: float,
    alpha: float,
    design: sequential.Design | None,
    higher: bool,
) -> dict[str, Tree]:
    """Every arm's verdict, or {"word": None, "reason": why}; alpha is shared among all."""
    found = {
        name: {**words.none(len(side.seeds)), "reason": why}
        for name, side in sides.items()
        if (why := _withheld(side, design))
    }
    rest = {name: side for name, side in sides.items() if name not in found}
    pairs = {n: s for n, s in rest.items() if s.paired} if design is not None else {}
    if pairs and design is not None:
        share = alpha * len(pairs) / len(sides)
        found |= _at_looks(pairs, margin, share, design, higher)
    others = {name: side for name, side in rest.items() if name not in pairs}
    if others:
        share = alpha * len(others) / len(sides)
        found |= _at_any_time(others, margin, share, design, higher)
    return {name: found[name] for name in sides}


def _withheld(side: Sides, design: sequential.Design | None) -> str:
    """Why there can be no verdict; empty where there can."""
    least = min(len(side.base), len(side.arm))
    if least < 2:
        return "one run each, so nothing is known of the spread between seeds"
    if words.seed_has_no_effect(side.base.tolist(), side.arm.tolist()):
        return "every seed gave the same number, and equal runs are one run"
    lost = sum(side.diverged)
    if lost and not (side.paired and design is not None):
        base, arm = side.diverged
        runs = "1 run" if lost == 1 else f"{lost} runs"
        return (
            f"{runs} diverged ({arm} arm, {base} base), and only pairs at declared looks can be "
            f"ranked"
        )
    if design is not None and side.paired and len(side.seeds) < design.looks[0]:
        return f"{len(side.seeds)} of the {design.looks[0]} pairs of the first look"
    if design is not None and not side.paired:
        if len(design.looks) > 1 or {len(side.base), len(side.arm)} != {design.looks[0]}:
            return (
                f"{len(side.base)} and {len(side.arm)} runs that are no pairs; declare one look "
                f"with the number that each side was to have, or none"
            )
    return ""


def _at_looks(
    sides: dict[str, Sides], margin: float, alpha: float, design: sequential.Design, higher: bool
) -> dict[str, Tree]:
    """The group-sequential test at the last look that every arm has reached."""
    fewest = min(len(side.seeds) for side in sides.values())
    number = max(k for k, pairs in enumerate(design.looks) if pairs <= fewest)
    results = {name: signed_differences(side.base, side.arm) for name, side in sides.items()}
    standings = monitor.look(design, number, results, margin, alpha)
    found = {}
    for name, standing in standings.items():
        count = standing.verdict.count
        base, arm = sides[name].base[:count], sides[name].arm[:count]
        found[name] = words.told(standing.verdict, base, arm, higher, standing.look)
    return found


def _at_any_time(
    sides: dict[str, Sides],
    margin: float,
    alpha: float,
    design: sequential.Design | None,
    higher: bool,
) -> dict[str, Tree]:
    """Intervals without looks: Holm's procedure over the arms, as in stats/monitor.py."""
    shares = dict.fromkeys(sides, alpha / len(sides))
    found = {name: _one(side, margin, shares[name], design) for name, side in sides.items()}
    while True:
        rejected = sum(tree["low"] > 0 or tree["high"] < 0 for tree in found.values())
        waiting = [n for n, tree in found.items() if tree["word"] == verdict.INCONCLUSIVE]
        if not rejected or not waiting:
            break
        share = alpha / (len(sides) - rejected)
        again = {name: _one(sides[name], margin, share, design) for name in waiting}
        better = {n: t for n, t in again.items() if t["word"] in (verdict.BETTER, verdict.WORSE)}
        if not better:
            break
        found |= better
    return {name: _finished(tree, higher) for name, tree in found.items()}


def _one(side: Sides, margin: float, share: float, design: sequential.Design | None) -> Tree:
    """One arm's numbers at the error `share`, the lower score better."""
    runs = [len(side.base), len(side.arm)]
    tree: Tree = {"level": 1 - share, "look": None, "p": None, "settle": None}
    tree |= {"pairs": len(side.seeds), "diverged": {"base": 0, "arm": 0}, "p_sign_flip": None}
    if side.paired:
        differences = side.arm - side.base
        low, high = sequential.confidence_sequence(differences, share)
        mean, sd = paired.mean_and_sd(differences)
        tree |= {"method": "always-valid t", "difference": mean, "sd_difference": sd}
        tree |= {"p": min(1.0, 1 / sequential.e_value(differences))}
        tree |= {"correlation": paired.correlation(side.base, side.arm)}
    elif design is not None:
        found = unpaired.welch(side.base, side.arm, 1 - share)
        low, high = found.low, found.high
        tree |= {"method": "Welch t", "difference": found.mean, "p": found.p, "runs": runs}
    else:
        low, high = unpaired.confidence_sequence_of_two(side.base, side.arm, share)
        difference = float(side.arm.mean() - side.base.mean())
        tree |= {"method": "always-valid t", "difference": difference, "runs": runs}
    word, sign = verdict.word_of(low, high, margin)
    return tree | {"word": word, "sign": sign, "low": low, "high": high}


def _finished(tree: Tree, higher: bool) -> Tree:
    """In the score's own direction; withheld where the interval is everything."""
    if not math.isfinite(tree["low"]):
        runs = tree.get("runs")
        what = f"{runs[0]} and {runs[1]} runs" if runs else f"{tree['pairs']} pairs"
        why = f"{what} of a number that nobody fixed beforehand allow no interval yet"
        return {**words.none(tree["pairs"]), "reason": why}
    return tree | words.ends(tree["difference"], tree["low"], tree["high"], higher)

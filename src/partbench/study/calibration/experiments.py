"""The experiments on the bank: pools, designs, what is true, how many studies."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from partbench.stats.verdict import slope_of_curve
from partbench.study import tuning
from partbench.study.calibration.asked import TOKENS, Asked
from partbench.study.calibration.cells import PLANTED, Cells
from partbench.study.calibration.resample import Pool, Rows, Truth
from partbench.study.plan import CURVE_SHARE
from partbench.study.spec import Study

PAIRS = (3, 4, 6, 8, 12)
"""Where the power curve is measured, with one look."""
Pools = Callable[[np.random.Generator, int], list[Pool]]


@dataclass(frozen=True)
class Experiment:
    """One line of the page. `pools(random, studies)` gives what its studies are drawn from.

    kind: "false alarms", "power" or "gaussian". effect and spread: mean and SD of the bank's
    differences, what theory needs.
    """

    kind: str
    name: str
    study: Study
    pools: Pools
    seeds: list[int]
    studies: int
    permuted: bool
    truth: Truth
    effect: float = 0.0
    spread: float = 1.0


def all_of(cells: Cells) -> list[Experiment]:
    """Every experiment, in the order of the page."""
    asked = cells.asked
    careful = {"looks": asked.careful, "design": "obrien_fleming"}
    default, several = asked.tune.seeds, asked.several
    found = [
        _same(cells, "flat", asked.study("redrawn"), True),
        _same(cells, "O'Brien-Fleming", asked.study("redrawn", **careful), True),
        _tuned(cells, f"tuned, {default} seeds a rate", default),
        _tuned(cells, f"tuned, {several} seeds a rate", several),
        _same(cells, "flat, as labelled", asked.study("redrawn"), False),
        _same(cells, "flat, margin 10 % of compute", _ten_percent(asked), False),
    ]
    found.append(_same(cells, "flat, unsteady runs", asked.unsteady_study(), True))
    for arm in ("wider", "slower"):
        made = _same(cells, f"flat, {arm}, labels permuted", asked.study(arm), True)
        found.append(replace(made, studies=asked.sizes.points))
    for arm in PLANTED:
        for pairs in (n for n in PAIRS if n <= asked.looks[-1]):
            found.append(_power(cells, f"{arm}, {pairs} pairs", asked.study(arm, looks=(pairs,))))
        found.append(_power(cells, f"{arm}, flat", asked.study(arm)))
    found += [_gaussian(each) for each in found[:2]]
    found += [_gaussian(each) for each in found if each.name in {f"{a}, flat" for a in PLANTED}]
    return found


def _ten_percent(asked: Asked) -> Study:
    return asked.study("redrawn", margin=(0.10, "compute"))


def _pool(cells: Cells, study: Study) -> Pool:
    (arm,) = study.arms.values()
    base, other = cells.rows(study.base), cells.rows(arm)
    return Pool(study, {}, base, other, other, base, cells.rows(cells.asked.budget(CURVE_SHARE)))


def _same(cells: Cells, name: str, study: Study, permuted: bool) -> Experiment:
    pool, studies = _pool(cells, study), cells.asked.sizes.studies
    if permuted:  # the curve is that of the base as labelled
        pool = replace(pool, curve={})
    return Experiment(
        "false alarms", name, study, lambda random, count: [pool], cells.seeds(), studies, permuted,
        Truth(0.0, 1.0, 1.0), *_moments(pool, cells.seeds()),
    )  # fmt: skip


def _tuned(cells: Cells, name: str, seeds: int) -> Experiment:
    """Every tuning that the bank holds, and each again with base and arm exchanged."""
    blocks = cells.asked.sizes.tuned_blocks
    pools = []
    for group in range(cells.groups(seeds)):
        study, found = cells.tuning("redrawn", seeds, group)
        base, arm = found.best["base"], found.best["redrawn"]
        for left, right in ((base, arm), (arm, base)):
            best = {"base": left, "redrawn": right}
            settled = tuning.settled(study, replace(found, best=best))
            settled = replace(settled, first_seed=1)
            pools.append(Pool(settled, found.held_back, *_sides(cells, found, left, right), {}))
    return Experiment(
        "false alarms", name, pools[0].study, lambda random, count: pools, cells.seeds(blocks),
        cells.asked.sizes.studies, True, Truth(0.0),
    )  # fmt: skip


def _sides(
    cells: Cells, found: tuning.Tuning, base: float, arm: float
) -> tuple[Rows, Rows, Rows, Rows]:
    """Base and arm at these multiples, then the same with the two runs of a seed exchanged."""
    if found.held_back:
        return {}, {}, {}, {}
    blocks = cells.asked.sizes.tuned_blocks
    first, second, third, fourth = (
        cells.rows(cells.at(who, rate), blocks)
        for who, rate in (("base", base), ("redrawn", arm), ("redrawn", base), ("base", arm))
    )
    return first, second, third, fourth


def _power(cells: Cells, name: str, study: Study) -> Experiment:
    pool, seeds = _pool(cells, study), cells.seeds()
    effect, spread = _moments(pool, seeds)
    small = [pool.curve[seed]["score"] for seed in seeds]
    whole = [pool.base[seed]["score"] for seed in seeds]
    slope = slope_of_curve(small, whole, 1 / CURVE_SHARE).slope
    planted = TOKENS if "tokens" in study.arms else float("nan")
    return Experiment(
        "power", name, study, lambda random, count: [pool], seeds, cells.asked.sizes.points, False,
        Truth(effect, math.exp(-effect / slope), planted), effect, spread,
    )  # fmt: skip


def _gaussian(real: Experiment) -> Experiment:
    """The same studies on normal differences with the bank's SD (and mean, for planted effects)."""
    effect = real.effect if real.kind == "power" else 0.0
    folds = int(real.study.base.resolved["task"]["folds"])

    def pools(random: np.random.Generator, count: int) -> list[Pool]:
        seeds = range(1, 1 + folds * count)
        score = {"status": "finished", "reason": "", "unit": "", "fold": 0, "liveness": []}
        base = {seed: {**score, "score": 0.0} for seed in seeds}
        numbers = random.normal(effect, real.spread, len(seeds))
        arm = {s: {**score, "score": float(x)} for s, x in zip(seeds, numbers, strict=True)}
        return [Pool(real.study, {}, base, arm, arm, base, {})]

    return replace(
        real, kind="gaussian", name=f"{real.name}, normal numbers", pools=pools, seeds=[],
        permuted=False, truth=Truth(effect),
    )  # fmt: skip


def _moments(pool: Pool, seeds: list[int]) -> tuple[float, float]:
    differences = pool.differences(seeds)[:, 0]
    return float(differences.mean()), float(differences.std(ddof=1))

"""Each arm at its own best value of one setting, found on seeds that judge nothing.

trial = arm x multiple of its declared value x tuning seed, the same multiples for every arm;
best  = the optimum of a parabola in log2 of the multiple, to the nearest quarter of an octave;
an arm leaves the base's best multiple only where its own is better by more than luck;
an optimum on the edge widens the grid for all arms, or there is no verdict.

The multiple is what arms share: an arm that declares another rate (another optimiser) is searched
around its own. Why all this: the best of k trials against an untuned base wins falsely in 15 % of
comparisons at k = 4 and in 31 % at k = 16.
"""

import math
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from partbench.core.cell import Cell
from partbench.core.config import Config
from partbench.core.rng import TUNING_SEEDS
from partbench.stats.own_rate import leaves
from partbench.stats.tuning import Optimum, optimum, sensitivity
from partbench.study.declared import Tune, value_of
from partbench.study.plan import Job
from partbench.study.spec import Study

Tree = dict[str, Any]


class Known(Protocol):
    """Where records are looked up."""

    def record(self, cell: Cell) -> Tree | None:
        """The record of a cell, or None."""


@dataclass(frozen=True)
class Tuning:
    """What is known of a study's tuning: the grid so far, scores, and what follows from them.

    `scores[arm][place of the multiple][seed]`; infinite where a run diverged, None where it has
    not run. `pending`: trials of this grid are missing. `held_back`: arm -> why it gets no verdict.
    """

    factors: tuple[float, ...]
    scores: dict[str, list[list[float | None]]]
    pending: bool
    best: dict[str, float] = field(default_factory=dict)
    optima: dict[str, Optimum] = field(default_factory=dict)
    held_back: dict[str, str] = field(default_factory=dict)


def at(study: Study, config: Config, factor: float) -> Config:
    """A configuration with the tuned setting at a multiple of its declared value."""
    tune = _declared(study)
    return config if factor == 1 else config.edit({tune.path: value_of(config, tune) * factor})


def trials(study: Study, factors: tuple[float, ...]) -> list[Job]:
    """The cells of a grid, all arms at one multiple and seed after the other."""
    return [
        Job(name, seed, study.cell(at(study, config, factor), seed))
        for factor in factors
        for seed in _seeds(study)
        for name, config in study.everyone.items()
    ]


def read(study: Study, ledger: Known) -> Tuning:
    """The tuning as far as the ledger knows it: the grid as it was declared, then as widened."""
    tune = _declared(study)
    factors = tune.factors
    for extension in range(tune.extensions + 1):
        scores, failed = _scores(study, ledger, factors)
        if any(score is None for rows in scores.values() for row in rows for score in row):
            return Tuning(factors, scores, True)
        optima = {name: _optimum(factors, rows) for name, rows in scores.items()}
        edges = {found.edge for found in optima.values() if found and found.edge}
        if not edges or extension == tune.extensions:
            break
        factors = _widened(factors, edges)
    held = {name: _why_not(found) for name, found in optima.items() if _why_not(found)} | failed
    if "base" in held:
        held = dict.fromkeys(study.arms, f"the base: {held['base']}") | held
    best = _best(factors, scores, optima)
    sound = {name: found for name, found in optima.items() if found}
    return Tuning(factors, scores, False, best, sound, held)


def settled(study: Study, tuning: Tuning) -> Study:
    """The study with base and arms at their best values; its id stays that of the declared one."""
    arms = {name: at(study, config, tuning.best[name]) for name, config in study.arms.items()}
    return replace(study, base=at(study, study.base, tuning.best["base"]), arms=arms)


def shared(study: Study, tuning: Tuning) -> Study | None:
    """The study with the base's best multiple for all; None where that is the same thing."""
    if all(best == tuning.best["base"] for best in tuning.best.values()):
        return None
    everywhere = dict.fromkeys(tuning.best, tuning.best["base"])
    return settled(study, replace(tuning, best=everywhere))


def report(study: Study, tuning: Tuning) -> Tree:
    """The tuning for the report: grid, scores and optimum of every arm."""
    tune = _declared(study)
    return {
        "path": tune.path,
        "factors": list(tuning.factors),
        "seeds": tune.seeds,
        "trials": len(tuning.factors) * tune.seeds,
        "arms": [
            {
                "name": name,
                "scores": [[_finite(score) for score in row] for row in rows],
                "diverged": sum(score == math.inf for row in rows for score in row),
                "best": tuning.best.get(name),
                "value": _value(study, name, tuning),
                **_facts(tuning, name),
                "held_back": tuning.held_back.get(name),
            }
            for name, rows in tuning.scores.items()
        ],
    }


def _facts(tuning: Tuning, name: str) -> Tree:
    found = tuning.optima.get(name)
    if found is None:
        return {"optimum": None, "octaves_error": None, "edge": None, "sensitivity": None}
    rows = [[score for score in row if score is not None] for row in tuning.scores[name]]
    # A run that diverged is charged what the worst run of the whole grid ended with.
    every = [s for arm in tuning.scores.values() for row in arm for s in row if s is not None]
    worst = max(score for score in every if math.isfinite(score))
    return {
        "optimum": found.rate,
        "octaves_error": found.standard_error,
        "edge": found.edge,
        "sensitivity": sensitivity(rows, worst).value,
    }


def _declared(study: Study) -> Tune:
    assert study.tune is not None, "asked for the tuning of a study that declares none"
    return study.tune


def _seeds(study: Study) -> list[int]:
    first = study.first_seed + TUNING_SEEDS
    return list(range(first, first + _declared(study).seeds))


def _scores(
    study: Study, ledger: Known, factors: tuple[float, ...]
) -> tuple[dict[str, list[list[float | None]]], dict[str, str]]:
    scores: dict[str, list[list[float | None]]] = {}
    failed = {}
    for name, config in study.everyone.items():
        scores[name] = []
        for factor in factors:
            arm = at(study, config, factor)
            records = [ledger.record(study.cell(arm, seed)) for seed in _seeds(study)]
            scores[name].append([_score(record) for record in records])
            for record in records:
                if record is not None and record["status"] == "failed":
                    failed[name] = f"a tuning run failed: {record['reason']}"
    return scores, failed


def _score(record: Tree | None) -> float | None:
    if record is None:
        return None
    return float(record["score"]) if record["status"] == "finished" else math.inf


def _optimum(factors: tuple[float, ...], rows: list[list[float | None]]) -> Optimum | None:
    """None where not one run came to its end."""
    known = [[score for score in row if score is not None] for row in rows]
    if not any(math.isfinite(score) for row in known for score in row):
        return None
    return optimum(factors, known)


def _best(
    factors: tuple[float, ...],
    scores: dict[str, list[list[float | None]]],
    optima: dict[str, Optimum | None],
) -> dict[str, float]:
    """Every arm's multiple: the base's best, or its own where the trials can tell the two apart."""
    base = optima["base"]
    if base is None:
        return dict.fromkeys(scores, 1.0)
    tables = {
        name: [[math.inf if score is None else score for score in row] for row in rows]
        for name, rows in scores.items()
    }
    shared, best = factors.index(base.grid_rate), {}
    for name, found in optima.items():
        own = name == "base" or (
            found is not None and leaves(tables, name, factors.index(found.grid_rate), shared)
        )
        best[name] = _quarter(found.rate if own and found else base.rate)
    return best


def _widened(factors: tuple[float, ...], edges: set[str]) -> tuple[float, ...]:
    ratio = factors[1] / factors[0]
    low = (factors[0] / ratio,) if "low" in edges else ()
    high = (factors[-1] * ratio,) if "high" in edges else ()
    return (*low, *factors, *high)


def _why_not(found: Optimum | None) -> str:
    if found is None:
        return "every tuning run diverged"
    return f"its best value lies on the {found.edge} edge of the grid" if found.edge else ""


def _quarter(factor: float) -> float:
    """To the nearest quarter of an octave: studies that nearly agree then share their cells."""
    return float(2.0 ** (round(4 * math.log2(factor)) / 4))


def _value(study: Study, name: str, tuning: Tuning) -> float | None:
    if name not in tuning.best:
        return None
    return value_of(at(study, study.everyone[name], tuning.best[name]), _declared(study))


def _finite(number: float | None) -> float | None:
    return None if number is None or not math.isfinite(number) else number

"""What a study will run, in order, and what that costs, before anything runs."""

from dataclasses import dataclass
from typing import Any

from partbench.core.cell import Cell
from partbench.core.config import Config
from partbench.study.spec import Study

CURVE_SEEDS = 4
"""Pairs whose base is also trained at a smaller budget: the slope of the base's own curve."""
CURVE_SHARE = 0.6
"""That budget, as a share of the base's: near enough for a tangent, far enough to be told apart."""


@dataclass(frozen=True)
class Job:
    """One cell and what for; `arm` is "base", an arm's name, or "curve": the smaller budget."""

    arm: str
    seed: int
    cell: Cell


def curve_budget(config: Config) -> Config:
    """The base with CURVE_SHARE of its steps; its schedule ends there too."""
    steps = max(1, round(config.resolved["train"]["steps"] * CURVE_SHARE))
    return config.edit({"train.steps": steps})


def pair_jobs(study: Study, seeds: list[int], arms: list[str]) -> list[Job]:
    """The cells of some pairs: base and every given arm, one seed after the other."""
    everyone = study.everyone
    return [
        Job(arm, seed, study.cell(everyone[arm], seed)) for seed in seeds for arm in ["base", *arms]
    ]


def curve_jobs(study: Study) -> list[Job]:
    """The base at the smaller budget on the first pairs' seeds."""
    count = min(CURVE_SEEDS, study.looks[0])
    small = curve_budget(study.base)
    return [Job("curve", seed, study.cell(small, seed)) for seed in study.seeds(count)]


def jobs_until(study: Study, look: int, arms: list[str]) -> list[Job]:
    """All that look `look` (0 is the first) needs for `arms`, in running order."""
    jobs = pair_jobs(study, study.seeds(study.looks[look]), arms)
    first = study.looks[0] * (1 + len(arms))
    return [*jobs[:first], *curve_jobs(study), *jobs[first:]]


def confirming_jobs(study: Study, arms: list[str]) -> list[Job]:
    """Fresh pairs, beyond every look's, for arms that were called better."""
    return pair_jobs(study, confirming_seeds(study), arms)


def confirming_seeds(study: Study) -> list[int]:
    """The seeds after the last look's."""
    first = study.first_seed + study.looks[-1]
    return list(range(first, first + study.confirm))


def tokens(config: dict[str, Any]) -> int:
    """Training tokens of one cell."""
    return config["train"]["steps"] * config["train"]["batch"] * config["dims"]["context"]

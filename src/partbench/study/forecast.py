"""What a study would cost and could resolve, said before anything runs. Torch-free.

Seconds a cell come from the ledger where a like cell has run on this machine, else from the step
rate that `partbench doctor` measured, scaled by parameters; the resolvable difference from the
ledger's own pairs, else from the spread that the laptop bench is known for.
"""

import math
import statistics
from collections import Counter
from dataclasses import dataclass
from typing import Any

from partbench.core.config import Config
from partbench.core.menu import find
from partbench.data.sources import source
from partbench.measure import machine
from partbench.stats import power, sequential
from partbench.study import ladder, profile, tuning
from partbench.study.index import Row
from partbench.study.ledger import Ledger
from partbench.study.plan import Job, confirming_jobs, jobs_until, tokens
from partbench.study.spec import Study

USUAL_UNIT, USUAL_SPREAD = "bits per byte", 0.02
"""Spread of paired differences (bits per byte) where nothing is known: measured at 0.4M parameters,
300-400 steps, over feed-forward, norm and position swaps (.005 to .03)."""


@dataclass(frozen=True)
class Forecast:
    """Cells at the first and at the last look, hours, memory and disk, and what can be seen.

    detectable, spread: None where nothing is known of the task's scores. profile: (task, cells).
    """

    cells_first: int
    cells_last: int
    known: int
    tokens_last: int
    core_hours_first: float
    core_hours_last: float
    hours_last: float
    seconds_source: str
    disk_bytes: int
    memory_bytes: int
    detectable: float | None
    spread: float | None
    spread_source: str
    looks: tuple[int, ...]
    slots: int
    unit: str
    profile: tuple[tuple[str, int], ...] = ()


def forecast(study: Study, ledger: Ledger, slots: int) -> Forecast:
    """The forecast of a study on this machine with this ledger."""
    arms = list(study.arms)
    others = profile.jobs(study)
    first, last = jobs_at(study, 0), [*jobs_at(study, len(study.looks) - 1), *following(study)]
    last += [job for _, job in others]
    known = ledger.known(job.cell for job in last)
    unknown = {job.cell.id: job for job in last if job.cell.id not in known}
    rate, source = _seconds_per_unit(study, known, last)

    def seconds(jobs: list[Job]) -> float:
        return sum(rate * work(job.cell.config) for job in jobs if job.cell.id in unknown)

    unit = unit_of(study.base.resolved["task"])
    spread, spread_source = _spread(study, known, unit)
    design = (sequential.flat if study.design == "flat" else sequential.obrien_fleming)(
        study.looks, study.alpha / len(arms)
    )
    threads = study.numerics.threads
    weights = [_parameters(job.cell.config) for job in last]
    return Forecast(
        cells_first=len(first),
        cells_last=len(last),
        known=len(last) - len(unknown),
        tokens_last=sum(tokens(job.cell.config) for job in unknown.values()),
        core_hours_first=seconds(first) * threads / 3600,
        core_hours_last=seconds(last) * threads / 3600,
        hours_last=seconds(last) / slots / 3600,
        seconds_source=source,
        disk_bytes=sum(4 * count + 60_000 for count in weights),
        memory_bytes=slots * (350 << 20) + slots * 24 * max(weights),
        detectable=spread and power.detectable(spread, study.looks[-1], design.confidence(-1)),
        spread=spread,
        spread_source=spread_source,
        looks=study.looks,
        slots=slots,
        unit=unit,
        profile=tuple(Counter(task for task, _ in others).items()),
    )


def unit_of(task: dict[str, Any]) -> str:
    """What a resolved task's score is measured in, as its class declares it in UNIT."""
    words = find("task", task["part"]).constants.get("UNIT", "units of the score").format(**task)
    text = source(task) if words == USUAL_UNIT else None
    return "bits per token" if text is not None and text.largest is not None else words


def jobs_at(study: Study, look: int) -> list[Job]:
    """The cells to a look, tuning included; tuned values being unknown yet, declared ones stand in
    for them (they cost the same)."""
    trials = tuning.trials(study, study.tune.factors) if study.tune else []
    return [*trials, *jobs_until(study, look, list(study.arms))]


def following(study: Study) -> list[Job]:
    """What may come after the verdict: fresh pairs for every arm, and the rungs of the ladder."""
    fresh = confirming_jobs(study, list(study.arms)) if study.confirm else []
    rungs = ladder.rungs(study) if study.ladder else []
    return [*fresh, *(job for rung in rungs for job in jobs_at(rung, 0))]


def _resolves(found: Forecast) -> str:
    if found.detectable is None or found.spread is None:
        return f"in {found.unit}; how much pairs spread is {found.spread_source}"
    return (
        f"a difference of {found.detectable:.3f} {found.unit} with power .80 "
        f"at the last look, if pairs spread by {found.spread:.3f} ({found.spread_source})"
    )


def text(found: Forecast) -> str:
    """The forecast in lines."""
    beside = ", ".join(f"{cells} on {task}" for task, cells in found.profile)
    return "\n".join(
        (
            f"cells        {found.cells_first} to the first look, {found.cells_last} to the last "
            f"(looks at {', '.join(map(str, found.looks))} pairs); {found.known} known already",
            f"tokens       {found.tokens_last:,} at most",
            f"core-hours   {found.core_hours_first:.2f} to the first look, "
            f"{found.core_hours_last:.2f} to the last ({found.seconds_source})",
            f"time         {60 * found.hours_last:.0f} minutes at most, {found.slots} at a time",
            f"memory       about {found.memory_bytes / 2**20:.0f} MiB",
            f"disk         about {found.disk_bytes / 2**20:.0f} MiB in the ledger",
            *([f"profile      {beside}, among these cells; no verdict"] if beside else []),
            f"resolves     {_resolves(found)}",
        )
    )


def _parameters(tree: dict[str, Any]) -> int:
    """A rough count: twelve width^2 a layer and the tables; good for time and disk."""
    sizes = tree["dims"]
    return 12 * sizes["depth"] * sizes["width"] ** 2 + 512 * sizes["width"]


def work(tree: dict[str, Any]) -> float:
    """What a cell's time grows with: tokens times the FLOPs of one."""
    sizes = tree["dims"]
    attention = 2.0 * sizes["depth"] * sizes["context"] * sizes["width"]
    return tokens(tree) * (_parameters(tree) + attention)


def _seconds_per_unit(study: Study, known: dict[str, Row], jobs: list[Job]) -> tuple[float, str]:
    rates = [
        known[job.cell.id]["seconds"] / work(job.cell.config)
        for job in jobs
        if job.cell.id in known
    ]
    if rates:
        return statistics.median(rates), "from this study's own cells"
    profile = machine.read()
    if profile is not None and "sizes" in profile["measured"]:
        steps, sizes = profile["measured"]["steps"], profile["measured"]["sizes"]
        alike = [row for row in steps if row["threads"] == study.numerics.threads] or steps
        row = min(alike, key=lambda row: row["precision"] != study.numerics.precision)
        tree = Config({}).resolved | {"dims": {**Config({}).resolved["dims"], **sizes}}
        tree = {**tree, "train": {**tree["train"], "steps": 1, "batch": sizes.get("batch", 16)}}
        return 1.15 * row["seconds"] / work(tree), "from the measured step rate"
    return 1e-10, "a guess: run `partbench doctor` for a measured rate"


def _spread(study: Study, known: dict[str, Row], unit: str) -> tuple[float | None, str]:
    """Spread of paired differences, from pairs of base and arms that the ledger knows."""
    spreads = []
    for config in study.arms.values():
        differences = []
        for seed in study.seeds(study.looks[-1]):
            pair = [_score(known, study, each, seed) for each in (study.base, config)]
            if None not in pair:
                differences.append(pair[1] - pair[0])  # type: ignore[operator]
        if len(differences) > 2 and statistics.stdev(differences) > 0:
            spreads.append(statistics.stdev(differences))
    if spreads:
        return math.sqrt(statistics.fmean(s**2 for s in spreads)), "from pairs in the ledger"
    if unit != USUAL_UNIT:
        return None, "not known before the first pairs"
    return USUAL_SPREAD, "usual at the laptop bench"


def _score(known: dict[str, Row], study: Study, config: Config, seed: int) -> float | None:
    return known.get(study.cell(config, seed).id, {}).get("score")

"""What follows the verdict of the looks: every arm at the shared value, winners on fresh seeds.

Neither is a new claim about better or worse. The shared value shows what tuning did. A winner was
picked for being better, and its difference flatters it: fresh pairs do not.
"""

import math
from typing import Any

from partbench.stats.paired import paired
from partbench.stats.verdict import BETTER
from partbench.stats.winners import confirm
from partbench.study import tuning
from partbench.study.plan import Job, confirming_jobs, confirming_seeds, pair_jobs
from partbench.study.reading import Reading
from partbench.study.spec import Study
from partbench.study.tuning import Known, Tuning

Tree = dict[str, Any]


def jobs(study: Study, asked: Study, tuned: Tuning | None, arms: list[Tree]) -> list[Job]:
    """The cells that are wanted once the looks are over, given the report's arms."""
    wanted = confirming_jobs(asked, winners(study, arms)) if winners(study, arms) else []
    together = tuned and tuning.shared(study, tuned)
    if together:
        for arm in arms:
            if together.arms[arm["name"]].fingerprint != asked.arms[arm["name"]].fingerprint:
                seeds = [row["seed"] for row in arm["pairs"]]
                wanted += pair_jobs(together, seeds, [arm["name"]])
    return wanted


def winners(study: Study, arms: list[Tree]) -> list[str]:
    """The arms to be confirmed: those called better, where the study declares fresh pairs."""
    if not study.confirm:
        return []
    return [arm["name"] for arm in arms if arm["verdict"]["word"] == BETTER]


def confirmation(study: Study, asked: Study, ledger: Known, arms: list[Tree]) -> Tree:
    """Arm -> its verdict on the fresh pairs alone, the winners sharing alpha; where known."""
    names, seeds = winners(study, arms), confirming_seeds(asked)
    reading = Reading.of(asked, ledger, seeds, {})
    found = {}
    for arm in arms:
        base_scores, arm_scores = reading.scores(arm["name"], seeds)
        differences = [b - a for a, b in zip(base_scores, arm_scores, strict=True)]
        known = len(differences) == len(seeds) and all(map(math.isfinite, differences))
        if arm["name"] in names and known:
            used = [row["seed"] for row in arm["pairs"]]
            pairs = dict(zip(seeds, differences, strict=True))
            screened = arm["verdict"]["difference"]
            fresh = confirm(screened, pairs, used, len(names), 1 - study.alpha)
            found[arm["name"]] = {
                "word": fresh.word,
                "difference": fresh.difference,
                "low": fresh.low,
                "high": fresh.high,
                "level": fresh.level,
                "pairs": fresh.count,
            }
    return found


def at_the_shared_value(study: Study, tuned: Tuning, ledger: Known, arms: list[Tree]) -> Tree:
    """Arm -> difference with its 95 % interval where all use the base's best multiple."""
    together = tuning.shared(study, tuned) or tuning.settled(study, tuned)
    found = {}
    for arm in arms:
        seeds = [row["seed"] for row in arm["pairs"]]
        base_scores, arm_scores = Reading.of(together, ledger, seeds, {}).scores(arm["name"], seeds)
        differences = [b - a for a, b in zip(base_scores, arm_scores, strict=True)]
        if (
            len(seeds) > 1
            and len(differences) == len(seeds)
            and all(map(math.isfinite, differences))
        ):
            test = paired(differences)
            found[arm["name"]] = {
                "factor": tuned.best["base"],
                "difference": test.mean,
                "low": test.low,
                "high": test.high,
                "pairs": test.count,
            }
    return found

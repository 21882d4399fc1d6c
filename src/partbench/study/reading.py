"""The records of one study as they are judged: scores in pairs, who may be judged, the margin.

`study` here is the settled one: base and arms at their tuned values.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from partbench.stats import monitor
from partbench.stats.divergence import signed_differences
from partbench.stats.futility import Futility, futility
from partbench.stats.sequential import DESIGNS, Design
from partbench.study import evidence
from partbench.study.judgement import Tree, slope_of, unit_margin
from partbench.study.ledger import Curve, Records
from partbench.study.plan import curve_jobs, pair_jobs
from partbench.study.spec import Study
from partbench.study.tuning import Known


@dataclass(frozen=True)
class Reading:
    """Records of base and arms over some pairs, the base's curve, and arms held back.

    audited: arm -> what the audit before the first cell found, that forbids a verdict. told_slope:
    that of a report, where the runs it was measured on are not at hand.
    """

    study: Study
    records: Records
    curve: Curve
    held_back: Mapping[str, str]
    audited: Mapping[str, str] = field(default_factory=dict)
    told_slope: Tree | None = None

    @classmethod
    def of(
        cls,
        study: Study,
        ledger: Known,
        seeds: list[int],
        held_back: Mapping[str, str],
        audited: Mapping[str, str] | None = None,
    ) -> "Reading":
        """Look every pair of `seeds` up."""
        jobs = pair_jobs(study, seeds, list(study.arms))
        records: Records = {(job.arm, job.seed): ledger.record(job.cell) for job in jobs}
        curve: Curve = {job.seed: ledger.record(job.cell) for job in curve_jobs(study)}
        return cls(study, records, curve, held_back, audited or {})

    @cached_property
    def design(self) -> Design:
        """The looks and their levels."""
        return DESIGNS[self.study.design](self.study.looks, self.study.alpha)

    @cached_property
    def unit(self) -> str:
        """The task's unit, as soon as a record says it."""
        return next((r["unit"] for r in self.records.values() if r and "unit" in r), "")

    @cached_property
    def slope(self) -> Tree | None:
        """How fast the base's loss falls with compute."""
        return self.told_slope or slope_of(self.records, self.curve, self.study)

    @cached_property
    def margin(self) -> tuple[float | None, str]:
        """The margin in the task's unit, and how to say it."""
        return unit_margin(self.study.margin, self.slope, self.unit)

    def scores(self, arm: str, seeds: list[int]) -> tuple[list[float], list[float]]:
        """Scores of base and arm over the leading pairs with an outcome; diverged = infinite."""
        base_scores, arm_scores = [], []
        for seed in seeds:
            both = [self.records.get((name, seed)) for name in ("base", arm)]
            known = [r for r in both if r is not None and r["status"] != "failed"]
            if len(known) < 2:
                break
            scores = [r["score"] if r["status"] == "finished" else math.inf for r in known]
            base_scores.append(scores[0])
            arm_scores.append(scores[1])
        return base_scores, arm_scores

    def withheld(self, arm: str, look: int | None) -> str:
        """Why an arm gets no verdict: its tuning, a failed cell up to `look`, a dead part,
        or what the audit found.

        Empty where nothing stands against one. Failures at later pairs will be tried again.
        """
        if arm in self.held_back:
            return self.held_back[arm]
        for seed in self.study.seeds(self.study.looks[-1 if look is None else look]):
            for name in ("base", arm):
                record = self.records.get((name, seed))
                if record is not None and record["status"] == "failed":
                    return f"a run failed: {record['reason']}"
        dead = evidence.dead(self.study, arm, self.records)
        if dead:
            return f"dead part: {', '.join(dead)} did not take part in learning"
        return self.audited.get(arm, "")

    def standings(
        self, look: int | None
    ) -> tuple[dict[str, monitor.Standing], dict[str, Futility]]:
        """Every arm's standing at `look`, and why arms were given up; withheld arms have none."""
        margin = self.margin[0]
        if look is None or margin is None:
            return {}, {}
        results = {}
        for arm in self.study.arms:
            if not self.withheld(arm, look):
                scores = self.scores(arm, self.study.seeds(self.study.looks[look]))
                if len(scores[0]) < self.study.looks[0]:
                    return {}, {}  # the ledger has lost records since: they are bought again
                results[arm] = signed_differences(*scores)
        if not results:
            return {}, {}
        # The false-alarm rate is shared among all arms declared, those withheld included.
        alpha = self.study.alpha * len(results) / len(self.study.arms)
        given_up: dict[str, Futility] = {}
        ended: dict[str, int] = {}
        for place in range(min(look, len(self.design.looks) - 2) + 1):
            found = monitor.look(self.design, place, results, margin, alpha, ended)
            for arm, standing in found.items():
                if not standing.finished and standing.verdict.method == "paired t":
                    share = standing.alpha
                    ahead = futility(self.design, place, results[arm], margin, share)
                    if ahead.futile:
                        given_up[arm], ended[arm] = ahead, place
        return monitor.look(self.design, look, results, margin, alpha, ended), given_up

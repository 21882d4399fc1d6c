"""Which cells the bank needs, and where they are found again: by arm, rate and seed."""

from dataclasses import dataclass
from functools import cached_property

from partbench.core.config import Config
from partbench.study import tuning
from partbench.study.calibration.asked import BUDGETS, Asked
from partbench.study.calibration.bank import Bank, Row
from partbench.study.plan import Job
from partbench.study.spec import Study
from partbench.study.tuning import Tuning

PLANTED = ("tokens", "slower", "wider")


@dataclass(frozen=True)
class Cells:
    """The bank as a calibration sees it."""

    asked: Asked
    bank: Bank

    @cached_property
    def study(self) -> Study:
        """Any study of this base: what addresses cells."""
        return self.asked.study("redrawn")

    @cached_property
    def tuned_study(self) -> Study:
        """One that tunes: what knows an arm at a multiple of its rate."""
        return self.asked.tuned("redrawn")

    def seeds(self, blocks: int | None = None) -> list[int]:
        """The bank's pair seeds: whole rounds of the folds."""
        rounds = self.asked.sizes.blocks if blocks is None else blocks
        return list(range(1, 1 + rounds * self.asked.folds))

    def groups(self, seeds: int) -> int:
        """How many tunings of that many seeds each the bank holds, no seed in two."""
        return self.asked.sizes.tuning_seeds // seeds

    def wanted(self) -> list[Job]:
        """All cells that can be named by now. Tuned values are known when their trials have run."""
        everyone = {"base": self.asked.base, **self.asked.arms}
        jobs = [
            self._job(name, config, seed)
            for name, config in everyone.items()
            if name != "eighth"
            for seed in self.seeds()
        ]
        for name, config in zip(("base", "redrawn"), self.asked.unsteady, strict=True):
            jobs += [self._job(f"{name}, unsteady", config, seed) for seed in self.seeds()]
        for share in BUDGETS:
            config = self.asked.budget(share)
            jobs += [self._job(f"base, {share:g} of its steps", config, s) for s in self.seeds()]
        factors: set[float] = set()
        for study in self._tuned_studies():
            found = tuning.read(study, self.bank)
            for job in tuning.trials(study, found.factors):
                jobs.append(Job(f"{job.arm}, tuning", job.seed, job.cell))
            if "redrawn" in study.arms and not (found.pending or found.held_back):
                factors |= set(found.best.values())
        for factor in sorted(factors):
            for name in ("base", "redrawn"):
                config = tuning.at(self.tuned_study, everyone[name], factor)
                label = f"{name}, {factor:.2f} of its rate"
                jobs += [
                    self._job(label, config, s) for s in self.seeds(self.asked.sizes.tuned_blocks)
                ]
        return jobs

    def rows(self, config: Config, blocks: int | None = None) -> dict[int, Row]:
        """Seed -> record of one configuration over the bank's seeds."""
        rows = {}
        for seed in self.seeds(blocks):
            row = self.bank.record(self.study.cell(config, seed))
            assert row is not None, f"seed {seed} is missing: the bank is not whole"
            rows[seed] = row
        return rows

    def at(self, name: str, factor: float) -> Config:
        """Base or redrawn at a multiple of its rate."""
        config = self.asked.base if name == "base" else self.asked.arms[name]
        return tuning.at(self.tuned_study, config, factor)

    def tuning(self, arm: str, seeds: int, group: int, **settings: int) -> tuple[Study, Tuning]:
        """A study tuned on group `group` of the bank's tuning seeds, and what it finds."""
        study = self.asked.tuned(arm, seeds, first_seed=1 + group * seeds, tune=settings)
        return study, tuning.read(study, self.bank)

    def _tuned_studies(self) -> list[Study]:
        default, several = self.asked.tune.seeds, self.asked.several
        return [
            self.asked.tuned(arm, seeds, first_seed=1 + group * seeds, tune=settings)
            for arm, seeds, settings in (
                ("redrawn", default, {}),
                ("redrawn", several, {}),
                ("eighth", default, {"extensions": 0}),
                ("eighth", default, {}),
            )
            for group in range(self.groups(seeds))
        ]

    def _job(self, label: str, config: Config, seed: int) -> Job:
        return Job(label, seed, self.study.cell(config, seed))

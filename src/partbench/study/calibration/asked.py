"""What a calibration asks: a tiny base, arms whose truth is known, and how much of each.

base     33k parameters, 60 steps on tiny Shakespeare
redrawn  the base with other starting values, the same batches (A/A)
tokens   the base with 5 % more steps, so 5 % more tokens: a compute multiplier of 1.05
slower   the base at 0.9 of its rate;  wider  one sixteenth wider;  eighth  at an eighth of its rate
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from partbench.core.cell import Cell
from partbench.core.config import Config
from partbench.core.numerics import Numerics
from partbench.study.declared import CAREFUL_LOOKS, FLAT_LOOKS, Tune, parse_tune
from partbench.study.plan import CURVE_SHARE
from partbench.study.spec import Study, base_config

BASE = {
    "dims.depth": 2,
    "dims.width": 32,
    "dims.num_heads": 1,
    "dims.context": 32,
    "train.steps": 60,
    "train.batch": 16,
    "train.evaluations": 1,
    "task.evaluation_tokens": 4096,
    "optimizer.rate": 0.018,
    "schedule.warmup": 0.5,
}
UNSTEADY = {"optimizer.rate": 0.01, "schedule.warmup": 0.05}
"""The preset's own warm-up is three of these sixty steps: some runs then end far off, and the
differences have long tails. A study of such runs is one of the experiments."""
TINY_MARGIN = 1e-9
"""A margin that no interval fits into: then every study without an alarm goes to its last look."""
TOKENS, RATE, TOO_LOW = 1.05, 0.9, 1 / 8
BUDGETS = (CURVE_SHARE, 0.8, 1.0, 1.5)
"""Shares of the base's steps at which its law is measured."""
WHOLE_SEED, WHOLE_STRIDE = 10_001, 13
"""First seeds of the studies run whole: none is in the bank, and the folds turn from one to the
next."""


class Remembered(Config):
    """A configuration that keeps its edits: to resolve one takes milliseconds, and a calibration
    asks for the same ones thousands of times."""

    def __init__(self, declared: Mapping[str, Any]) -> None:
        super().__init__(declared)
        self.edits: dict[str, Config] = {}

    def edit(self, changes: Mapping[str, Any] | None = None, /, **slots: Any) -> Config:
        """As in Config; the same changes give the same object."""
        key = json.dumps({**(changes or {}), **slots}, sort_keys=True)
        if key not in self.edits:
            self.edits[key] = Remembered(super().edit(changes, **slots).declared)
        return self.edits[key]


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How much of everything.

    blocks: pair seeds of the bank, as a multiple of the text's folds; tuned_blocks: those of them
    that are trained at every tuned rate too; tuning_seeds; studies: resampled from the bank for
    each design; points: for each point of a power curve; whole, bad: A/A studies and studies
    with bad tuning run whole; resamples: of the bank, for the interval.
    """

    blocks: int = 34
    tuned_blocks: int = 8
    tuning_seeds: int = 96
    studies: int = 20_000
    points: int = 4_000
    whole: int = 40
    bad: int = 3
    resamples: int = 400


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A base and its arms; `looks` and `careful` are the planned looks of the two designs."""

    edits: dict[str, Any] = field(default_factory=dict)
    looks: tuple[int, ...] = FLAT_LOOKS
    careful: tuple[int, ...] = CAREFUL_LOOKS
    several: int = 4
    tune: Tune = field(default_factory=Tune)
    sizes: Sizes = field(default_factory=Sizes)

    @cached_property
    def base(self) -> Config:
        """The base."""
        return Remembered(base_config("quick").edit({**BASE, **self.edits}).declared)

    @cached_property
    def arms(self) -> dict[str, Config]:
        """Every arm by name."""
        tree = self.base.resolved
        rate, width = tree["optimizer"]["rate"], tree["dims"]["width"]
        return {
            "redrawn": self.base.edit({"init": {**tree["init"], "part": "redrawn"}}),
            "tokens": self.base.edit({"train.steps": round(tree["train"]["steps"] * TOKENS)}),
            "slower": self.base.edit({"optimizer.rate": rate * RATE}),
            "wider": self.base.edit({"dims.width": width + 2 * max(1, round(width / 32))}),
            "eighth": self.base.edit({"optimizer.rate": rate * TOO_LOW}),
        }

    def budget(self, share: float) -> Config:
        """The base at another number of steps; its schedule ends there too."""
        steps = round(self.base.resolved["train"]["steps"] * share)
        return self.base.edit({"train.steps": steps})

    @cached_property
    def unsteady(self) -> tuple[Config, Config]:
        """Base and redrawn arm without the long warm-up."""
        base = self.base.edit(UNSTEADY)
        return base, base.edit({"init": self.arms["redrawn"].resolved["init"]})

    def study(self, arm: str, **settings: Any) -> Study:
        """Base against one arm, as declared: flat looks and the tiny margin unless said."""
        return self._study(arm, self.arms[arm], settings)

    def swapped(self, arm: str, changes: dict[str, Any], **settings: Any) -> Study:
        """Base against the base with these changes."""
        return self._study(arm, self.base.edit(changes), settings)

    def unsteady_study(self) -> Study:
        """A/A on the unsteady runs."""
        base, arm = self.unsteady
        return self._study("redrawn", arm, {"base": base})

    def _study(self, name: str, arm: Config, settings: dict[str, Any]) -> Study:
        study = Study(
            name=f"calibration, {name}",
            question=f"Is {name} called what it is?",
            arms={name: arm},
            numerics=Numerics(),
            **{
                "base": self.base,
                "looks": self.looks,
                "margin": (TINY_MARGIN, ""),
                **settings,
            },
        )
        study.__dict__["_cells"] = self._cells  # all share them: texts are opened once
        return study

    @cached_property
    def _cells(self) -> dict[str, Cell]:
        return {}

    def tuned(self, arm: str, seeds: int | None = None, **settings: Any) -> Study:
        """The same with each arm at its own best rate, from so many tuning seeds."""
        tune = replace(self.tune, seeds=seeds or self.tune.seeds, **settings.pop("tune", {}))
        return self.study(arm, tune=parse_tune(tune), **settings)

    @property
    def folds(self) -> int:
        """Slices of the text: a pair's seed says on which it is scored."""
        return int(self.base.resolved["task"]["folds"])

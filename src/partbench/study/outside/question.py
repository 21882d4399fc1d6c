"""What a study of outside commands declares before its first run; frozen and hashed."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from partbench.core.config import fingerprint
from partbench.core.errors import ConfigError
from partbench.stats import sequential
from partbench.study.declared import CAREFUL_LOOKS, FLAT_LOOKS
from partbench.study.outside.command import OUT, Command
from partbench.study.outside.metric import Metric
from partbench.study.outside.runs import Run
from partbench.study.outside.source import Source


@dataclass(frozen=True, kw_only=True)
class Question:
    """Commands (the base first), their names, the metric, the margin in its unit, the looks.

    higher: whether a higher number is better. looks: numbers of pairs at which the study may end.
    """

    commands: tuple[Command, ...]
    names: tuple[str, ...]
    metric: Metric
    margin: float
    source: Source
    higher: bool = False
    alpha: float = 0.05
    looks: tuple[int, ...] = FLAT_LOOKS
    careful: bool = False
    first_seed: int = 1

    @property
    def arms(self) -> tuple[str, ...]:
        """Names of the arms."""
        return self.names[1:]

    @property
    def text(self) -> str:
        """The question in a sentence."""
        first, last = ", ".join(self.arms[:-1]), self.arms[-1]
        who = f"do {first} and {last}" if first else f"does {last}"
        return f"What {who} change in {self.metric.name}?"

    @property
    def name(self) -> str:
        """A folder's name: the arms', and the first letters of the id."""
        kept = "".join(c if c.isalnum() or c in "=._" else "-" for c in "+".join(self.arms))
        words = "-".join(filter(None, kept.split("-")))[:50]
        return f"{words}-{self.id[:8]}".lstrip("-")

    @cached_property
    def design(self) -> sequential.Design:
        """The planned looks and their levels."""
        plan = sequential.obrien_fleming if self.careful else sequential.flat
        return plan(self.looks, self.alpha)

    def seeds(self, pairs: int) -> list[int]:
        """The seeds of the first `pairs` pairs."""
        return list(range(self.first_seed, self.first_seed + pairs))

    def command(self, name: str) -> Command:
        """The command of the base or an arm."""
        return self.commands[self.names.index(name)]

    def run(self, name: str, seed: int) -> Run:
        """The run of the base or an arm at a seed."""
        return Run(self.command(name), seed, self.metric.file, self._states[name])

    def runs(self, look: int, arms: Sequence[str]) -> list[tuple[str, int, Run]]:
        """All that look `look` (0 is the first) needs for `arms`, in running order."""
        seeds = self.seeds(self.looks[look])
        return [(name, seed, self.run(name, seed)) for seed in seeds for name in ("base", *arms)]

    @cached_property
    def _states(self) -> dict[str, str]:
        rows = zip(self.names, self.commands, strict=True)
        return {name: fingerprint(self.source.of(command)) for name, command in rows}

    @cached_property
    def declaration(self) -> dict[str, Any]:
        """All that decides the study, as JSON."""
        rows = zip(self.names, self.commands, strict=True)
        return {
            "schema": 1,
            "commands": {name: command.text for name, command in rows},
            "metric": self.metric.option,
            "higher_is_better": self.higher,
            "margin": self.margin,
            "alpha": self.alpha,
            "looks": list(self.looks),
            "careful": self.careful,
            "first_seed": self.first_seed,
            "code": self._states,
        }

    @cached_property
    def id(self) -> str:
        """SHA-256 of the declaration."""
        return fingerprint(json.loads(json.dumps(self.declaration)))


def looks_of(text: str | None, careful: bool) -> tuple[int, ...]:
    """`4,6,8,12` as numbers of pairs; those of the design where nothing is given."""
    if text is None:
        return CAREFUL_LOOKS if careful else FLAT_LOOKS
    try:
        looks = tuple(int(word) for word in text.split(","))
    except ValueError:
        raise ConfigError(f"--looks {text}: write whole numbers like 4,6,8,12") from None
    if looks[0] < 2 or sorted(set(looks)) != list(looks):
        raise ConfigError(
            f"--looks {text}: these are not rising numbers of pairs from 2 up; the default is "
            f"{','.join(map(str, FLAT_LOOKS))}"
        )
    return looks


def margin_of(text: str | None, unit: str) -> float:
    """The margin as a number of the metric's unit; ConfigError says what a margin is."""
    if text is None:
        raise ConfigError(
            f"--margin is missing: the smallest difference in {unit} that would matter to you, "
            f"as a number, e.g. --margin 0.01; decide it before you look"
        )
    try:
        number = float(text)
    except ValueError:
        raise ConfigError(
            f"--margin {text}: give a number in the unit of {unit}, e.g. --margin 0.01"
        ) from None
    if not 0 < number < math.inf:
        raise ConfigError(f"--margin {text}: it is not a number above zero; e.g. 0.01")
    return number


def check_files(question: Question, at_once: int) -> None:
    """Refuse runs that would overwrite each other's metric file: several at once need {out}."""
    file = question.metric.file
    if file and at_once > 1 and OUT not in file:
        raise ConfigError(
            f"{question.metric.option}: with --at-once {at_once} runs would overwrite each "
            f"other's file; let the command write below {OUT}, a fresh folder for each run, and "
            f"write '{OUT}/{Path(file).name}:...'; or --at-once 1"
        )

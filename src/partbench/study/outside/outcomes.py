"""What became of every run of a study: its number, or that it diverged, or why it failed."""

import math
from dataclasses import dataclass

from partbench.core.errors import ConfigError
from partbench.study.outside import metric
from partbench.study.outside.question import Question
from partbench.study.outside.runs import Runs


@dataclass(frozen=True)
class Outcome:
    """status: finished, diverged (the number is not finite) or failed (there is no number)."""

    status: str
    score: float | None
    reason: str
    seconds: float
    at_once: int


class Outcomes:
    """Outcomes of a question's runs by (name, seed), read once each from the runs' folders."""

    def __init__(self, question: Question, runs: Runs) -> None:
        self.question = question
        self.runs = runs
        self._known: dict[str, Outcome] = {}
        self._counted: set[str] = set()
        """Names of which some run gave a number."""

    def of(self, name: str, seed: int) -> Outcome | None:
        """The outcome of one run; None where it has not run.

        ConfigError where a command ended well but the metric finds no number, and has found none
        in any other run of the same command: then the metric is wrong and not the run.
        """
        run = self.question.run(name, seed)
        if run.id in self._known:
            return self._known[run.id]
        record = self.runs.record(run)
        if record is None:
            return None
        facts = {"seconds": record["seconds"], "at_once": record["at_once"]}
        if record["status"] == "failed":  # not remembered: it will be tried again
            return Outcome("failed", None, record["reason"], **facts)
        found = metric.read(self.question.metric, self.runs.output(run), self.runs.captured(run))
        if found.value is None:
            if name not in self._counted:
                words = " ".join(run.command.at(seed, self.runs.folder(run) / "out"))
                raise ConfigError(f"{self.question.metric.option}: {found.trouble} (of: {words})")
            outcome = Outcome("failed", None, f"no number: {found.trouble}", **facts)
        elif math.isfinite(found.value):
            self._counted.add(name)
            outcome = Outcome("finished", found.value, "", **facts)
        else:
            self._counted.add(name)
            outcome = Outcome("diverged", None, f"the metric is {found.value}", **facts)
        self._known[run.id] = outcome
        return outcome

    def row(self, name: str, seeds: list[int]) -> list[Outcome | None]:
        """The outcomes of a name's runs at these seeds."""
        return [self.of(name, seed) for seed in seeds]

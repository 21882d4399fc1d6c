"""The driver of outside commands: looks -> runs -> verdicts. Everything it knows is on disk."""

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from partbench.core.errors import ConfigError
from partbench.core.files import held, write_json
from partbench.study import again
from partbench.study.outside import answer, source
from partbench.study.outside.outcomes import Outcomes
from partbench.study.outside.pool import Pool
from partbench.study.outside.question import Question
from partbench.study.outside.runs import Run, Runs
from partbench.study.run import DECLARATION, Interrupted
from partbench.study.signals import asking

Job = tuple[str, int, Run]
Tree = dict[str, Any]


class Listener(Protocol):
    """Who wants to know what happens, while it happens."""

    def declared(self, question: Question, folder: Path, seen: bool) -> None:
        """The study stands; `seen` says that it was begun before."""

    def planned(self, look: int, jobs: list[Job], missing: list[Job]) -> None:
        """What look `look` needs, and what of it has not run yet."""

    def starting(self, run: Run) -> None:
        """A command is about to start."""

    def ended(self, run: Run, seconds: float | None) -> None:
        """A command has ended."""

    def looked(self, report: Tree) -> None:
        """A report was made after a run or at a look."""


class Driver:
    """One study of commands in `folder`, over `runs`, with `at_once` commands side by side.

    Raises BusyError where another process runs the same study, ConfigError where study or code
    changed after it began or the metric finds nothing, Interrupted on Ctrl-C, SIGTERM or at the
    end of the `seconds` it may take. `words`: the command line, kept for whoever continues it.
    """

    def __init__(
        self,
        question: Question,
        folder: Path,
        runs: Runs,
        at_once: int,
        listener: Listener,
        seconds: float | None = None,
        reproduce: str = "",
        words: Sequence[str] = (),
    ) -> None:
        self.question = question
        self.folder = folder
        self.runs = runs
        self.pool = Pool(runs, at_once)
        self.outcomes = Outcomes(question, runs)
        self.listener = listener
        self.limit = None if seconds is None else time.monotonic() + seconds
        self.reproduce = reproduce
        self.words = words
        self.stopped = False

    def run(self, write: Callable[[Tree, Path], Path]) -> Tree:
        """Run to the end; `write(report, folder)` puts the pages down. Returns the last report."""
        question = self.question
        with held(self.folder / ".lock", f"study {question.name}"), asking(self._stop):
            declared = self._declare()
            again.keep(self.folder, self.words)
            arms = list(question.arms)
            report: Tree = {}
            for look in range(len(question.looks)):

                def refresh(look: int = look, bought: bool = False) -> Tree:
                    return answer.report(
                        question, declared, self.outcomes, look,
                        bought=bought, reproduce=self.reproduce,
                    )  # fmt: skip

                if not self._buy(look, arms, refresh):
                    write(refresh(), self.folder)
                    raise Interrupted
                report = refresh(bought=True)
                write(report, self.folder)
                self.listener.looked(report)
                arms = [row["name"] for row in report["arms"] if not row["finished"]]
                if not arms:
                    break
        return report

    def _declare(self) -> Tree:
        path = self.folder / DECLARATION
        question = self.question
        if path.exists():
            try:
                declared = json.loads(path.read_text(encoding="utf-8"))
            except ValueError:
                raise ConfigError(f"{path}: damaged; choose another folder with --out") from None
            if declared["id"] != question.id:
                raise ConfigError(
                    f"{self.folder}: this study was begun as {declared['id'][:8]} and is now "
                    f"{question.id[:8]} ({_changed(declared['declaration'], question)}); undo the "
                    f"change, or give the new study another folder with --out"
                )
            self.listener.declared(question, self.folder, True)
            return declared
        jobs = question.runs(len(question.looks) - 1, question.arms)
        declared = {
            "id": question.id,
            "name": question.name,
            "declared_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "declaration": question.declaration,
            # What was known before: so that "reused" means the same after a restart.
            "known": sorted({run.id for _, _, run in jobs if self.runs.finished(run)}),
        }
        write_json(path, declared)
        self.listener.declared(question, self.folder, False)
        return declared

    def _buy(self, look: int, arms: list[str], refresh: Callable[[], Tree]) -> bool:
        """Run every command that look `look` needs and that is not known; False if stopped."""
        jobs = self.question.runs(look, arms)
        missing = [job for job in jobs if self.runs.finished(job[2]) is None]
        self.listener.planned(look, jobs, missing)
        place = {run.id: (name, seed) for name, seed, run in missing}

        def starting(run: Run) -> None:
            # Code that is edited while a study runs would mix two programs in one verdict.
            path = source.changed(self.question.source, self.question.commands)
            if path is not None:
                raise ConfigError(
                    f"{path} changed since the study began; undo the change, or begin a new study "
                    f"(if the runs write this file themselves: --ignore '{path}')"
                )
            self.listener.starting(run)

        def done(run: Run) -> None:
            outcome = self.outcomes.of(*place[run.id])
            self.listener.ended(run, None if outcome is None else outcome.seconds)
            self.listener.looked(refresh())

        return self.pool.run([run for *_, run in missing], starting, done, self._over)

    def _over(self) -> bool:
        return self.stopped or (self.limit is not None and time.monotonic() > self.limit)

    def _stop(self, *signal_and_frame: Any) -> None:
        self.stopped = True


def _changed(before: Tree, question: Question) -> str:
    """The first thing in which two declarations differ, for people."""
    now = json.loads(json.dumps(question.declaration))
    key = next((key for key in now if before.get(key) != now[key]), "schema")
    if key == "code":
        return "the code of the commands is another one"
    return f"{key}: {before.get(key)} -> {now[key]}"

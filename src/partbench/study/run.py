"""The driver: plan -> cells -> looks -> verdict. Torch-free; everything it knows is on disk.

Killed at any instant and started again with the same command, it finds the declaration, the costs
and every record where it left them, and ends with the same answer.
"""

import json
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from partbench.core.errors import ConfigError, InputError
from partbench.core.files import held, write_json
from partbench.engines import Engine
from partbench.study import (
    after,
    again,
    answer,
    costs,
    history,
    ladder,
    memory,
    profile,
    share,
    tuning,
)
from partbench.study.ledger import Ledger
from partbench.study.plan import Job, jobs_until
from partbench.study.signals import asking
from partbench.study.spec import Study

DECLARATION = "study.json"


class Listener(Protocol):
    """Who wants to know what happens, while it happens."""

    def declared(self, study: Study, folder: Path, seen: bool) -> None:
        """The study stands; `seen` says that it was begun before."""

    def costed(self, study: Study, costs: dict[str, Any]) -> None:
        """Parameters, FLOPs, times and memory are known."""

    def planned(self, what: str, jobs: list[Job], known: int) -> None:
        """What is wanted next and its cells, and how many of these are known already."""

    def progressed(self, event: dict[str, Any]) -> None:
        """An event of the engine: a step taken, a cell done."""

    def looked(self, report: dict[str, Any]) -> None:
        """A report was made after new cells or at a look."""


class Interrupted(Exception):
    """The study was stopped before its end; it goes on with the same command."""


class Driver:
    """One study in `folder`, over `ledger`; `start(folder for logs)` gives the engine.

    Raises BusyError where another process runs the same study, ConfigError where the study changed
    after it began, Interrupted on Ctrl-C, SIGTERM or at the end of the `seconds` it may take.
    `words`: the command line, kept in the folder for whoever continues the study.
    """

    def __init__(
        self,
        study: Study,
        folder: Path,
        ledger: Ledger,
        start: Callable[[Path], Engine],
        listener: Listener,
        seconds: float | None = None,
        reproduce: str = "",
        words: Sequence[str] = (),
    ) -> None:
        self.study = study
        self.folder = folder
        self.ledger = ledger
        self.start = start
        self.listener = listener
        self.limit = None if seconds is None else time.monotonic() + seconds
        self.reproduce = reproduce
        self.words = words
        self.stopped = False

    def run(self, write: Callable[[dict[str, Any], Path], Path]) -> dict[str, Any]:
        """Run to the end; `write(report, folder)` puts the pages down. Returns the last report."""
        self.study.declaration  # noqa: B018  a wrong study ends here, before a folder is made
        self._write = write
        fresh = not self.folder.exists()
        with held(self.folder / ".lock", f"study {self.study.name}"), asking(self._stop):
            self.declared = self._declare()
            again.keep(self.folder, self.words)
            # Workers of an earlier life may still be at these: what they train is our own.
            self.ours = set(self.declared["planned"])
            try:
                self.prices = costs.measure(self.study, self.folder)
            except InputError:  # an arm that cannot be built: as if nothing had been begun
                if fresh:
                    shutil.rmtree(self.folder)
                raise
            if self._over():
                raise Interrupted
            self.listener.costed(self.study, self.prices)
            with self.start(self.folder / "logs") as engine:
                asked = self._settle(engine, self.study, 0, bought=False)
                look, report = self._decide(engine, asked)
                if self._follow(engine, asked, look, report):
                    report = self._report(look, bought=True, show=True)
            return report

    def _settle(self, engine: Engine, study: Study, look: int, *, bought: bool) -> Study:
        """Tune base and arms, the grid widening as it must; the study at their best values."""
        if not study.tune:
            return study
        factors: tuple[float, ...] = ()
        while (found := tuning.read(study, self.ledger)).factors != factors:
            factors = found.factors
            grid = ", ".join(f"{factor:g}x" for factor in factors)
            what = f"{study.name}: {study.tune.path} at {grid}"
            self._buy(engine, what, tuning.trials(study, factors), look, bought=bought)
        return tuning.settled(study, found)

    def _decide(self, engine: Engine, asked: Study) -> tuple[int, dict[str, Any]]:
        """Look after look until every arm is decided; the last look and its report."""
        arms, looks = list(asked.arms), asked.looks
        for look, pairs in enumerate(looks):
            what = f"look {look + 1} of {len(looks)} at {pairs} pairs"
            jobs = jobs_until(asked, look, arms)
            self._buy(engine, what, jobs, look, bought=False, show=True)
            report = self._report(look, bought=True, show=True)
            arms = [row["name"] for row in report["arms"] if not row["finished"]]
            if not arms or report["decided"]:
                break
        return look, report

    def _follow(self, engine: Engine, asked: Study, look: int, report: dict[str, Any]) -> bool:
        """What comes after the verdict; whether there was anything."""
        tuned = tuning.read(self.study, self.ledger) if self.study.tune else None
        jobs = after.jobs(self.study, asked, tuned, report["arms"])
        if jobs:
            what = "after the verdict: fresh pairs, the shared value"
            self._buy(engine, what, jobs, look, bought=True)
        rungs = ladder.rungs(self.study) if self.study.ladder else []
        for place, rung in enumerate(rungs):
            self._settle(engine, rung, look, bought=True)
            what = f"rung {place + 1} of {len(rungs)}"
            self._buy(engine, what, ladder.jobs(rung, self.ledger), look, bought=True)
            self._report(look, bought=True)
        others = profile.jobs(asked)
        if others:
            what = "capability profile: " + ", ".join(dict.fromkeys(task for task, _ in others))
            self._buy(engine, what, [job for _, job in others], look, bought=True)
        return bool(jobs or rungs or others)

    def _report(self, look: int, *, bought: bool, show: bool = False) -> dict[str, Any]:
        """The report as of now; written where a look was bought, shown where somebody waits."""
        report = answer.report(
            self.study,
            self.declared,
            self.prices,
            self.ledger,
            look,
            bought=bought,
            reproduce=self.reproduce,
        )
        if bought:
            memory.add(report, self.ledger.studies())
            self._write(report, self.folder)
            self.ledger.remember(report["study_id"], history.summary(report))
        if show:
            self.listener.looked(report)
        return report

    def _declare(self) -> dict[str, Any]:
        path = self.folder / DECLARATION
        if path.exists():
            try:
                declared = json.loads(path.read_text(encoding="utf-8"))
            except ValueError:
                raise ConfigError(f"{path}: damaged; choose another folder with --out") from None
            if declared["id"] != self.study.id:
                raise ConfigError(
                    f"{self.folder}: this study was begun as {declared['id'][:8]} and is now "
                    f"{self.study.id[:8]} ({_changed(declared['declaration'], self.study)}); "
                    f"undo the change, or give the new study another name with --out"
                )
            self.listener.declared(self.study, self.folder, True)
            return declared
        declared = {
            "id": self.study.id,
            "name": self.study.name,
            "declared_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "declaration": self.study.declaration,
            "planned": [],
            "known": [],
        }
        write_json(path, declared)
        self.listener.declared(self.study, self.folder, False)
        return declared

    def _plan(self, jobs: list[Job]) -> None:
        """Note which cells the ledger knew when they were first wanted, for a restart to know."""
        planned = set(self.declared["planned"])
        new = {job.cell.id: job.cell for job in jobs if job.cell.id not in planned}
        if new:
            known = self.ledger.known(new.values())
            self.declared["planned"] = sorted(planned | new.keys())
            self.declared["known"] = sorted({*self.declared["known"], *known})
            write_json(self.folder / DECLARATION, self.declared)

    def _buy(
        self,
        engine: Engine,
        what: str,
        jobs: list[Job],
        look: int,
        *,
        bought: bool,
        show: bool = False,
    ) -> None:
        """Run every cell of `jobs` that the ledger does not know; Interrupted where time is up.

        `look` and `bought` say what a report may judge meanwhile.
        """
        self._plan(jobs)
        missing = [job for job in jobs if self.ledger.finished(job.cell) is None]
        self.listener.planned(what, jobs, len(jobs) - len(missing))
        folders = {}
        for job in missing:
            folders[self.ledger.prepare(job.cell)] = job

        def tell(event: dict[str, Any]) -> None:
            if event.get("status") == "dead":
                cell = folders[Path(event["folder"])].cell
                reason = f"its worker died twice, with exit code {event['code']}; see {engine.log}"
                self.ledger.give_up(cell, reason)
                event = {**event, "id": cell.id, "status": "failed"}
            self.listener.progressed(event)
            if event["event"] == "done" and show:
                self._report(look, bought=bought, show=True)

        found = share.run(engine, self.ledger, folders, tell, self._over)
        others = set(found) - self.ours
        if others:  # trained by another study meanwhile: not paid for by this one
            self.declared["known"] = sorted({*self.declared["known"], *others})
            write_json(self.folder / DECLARATION, self.declared)
        if self._over():
            self._write(self._report(look, bought=bought), self.folder)
            raise Interrupted

    def _over(self) -> bool:
        return self.stopped or (self.limit is not None and time.monotonic() > self.limit)

    def _stop(self, *signal_and_frame: Any) -> None:
        self.stopped = True


def _changed(before: dict[str, Any], study: Study) -> str:
    from partbench.core.config import flatten

    old, new = flatten(before), flatten(study.declaration)
    paths = [path for path in sorted(old.keys() | new.keys()) if old.get(path) != new.get(path)]
    path = paths[0].removeprefix("configurations.")
    return f"{path}: {old.get(paths[0])!r} -> {new.get(paths[0])!r}"

"""The driver: plan -> cells -> looks -> verdict. Torch-free; everything it knows is on disk.

Killed at any instant and started again with the same command, it finds the declaration, the costs
and every record where it left them, and ends with the same answer.
"""

import json
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from partbench.core.errors import ConfigError, InputError
from partbench.core.files import held, write_json
from partbench.engines import Engine
from partbench.study import answer, costs, history, share
from partbench.study.ledger import Ledger
from partbench.study.plan import Job, jobs_until
from partbench.study.spec import Study

DECLARATION = "study.json"


class Listener(Protocol):
    """Who wants to know what happens, while it happens."""

    def declared(self, study: Study, folder: Path, seen: bool) -> None:
        """The study stands; `seen` says that it was begun before."""

    def costed(self, study: Study, costs: dict[str, Any]) -> None:
        """Parameters, FLOPs, times and memory are known."""

    def planned(self, look: int, jobs: list[Job], known: int) -> None:
        """What look `look` needs, and how many of these cells are known already."""

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
    ) -> None:
        self.study = study
        self.folder = folder
        self.ledger = ledger
        self.start = start
        self.listener = listener
        self.limit = None if seconds is None else time.monotonic() + seconds
        self.reproduce = reproduce
        self.stopped = False

    def run(self, write: Callable[[dict[str, Any], Path], Path]) -> dict[str, Any]:
        """Run to the end; `write(report, folder)` puts the pages down. Returns the last report."""
        self.study.declaration  # noqa: B018  a wrong study ends here, before a folder is made
        fresh = not self.folder.exists()
        with held(self.folder / ".lock", f"study {self.study.name}"), _signals(self._stop):
            declared = self._declare()
            try:
                prices = costs.measure(self.study, self.folder)
            except InputError:  # an arm that cannot be built: as if nothing had been begun
                if fresh:
                    shutil.rmtree(self.folder)
                raise
            if self._over():
                raise Interrupted
            self.listener.costed(self.study, prices)
            arms = list(self.study.arms)
            report: dict[str, Any] = {}

            def refresh(look: int, bought: bool) -> dict[str, Any]:
                return answer.report(
                    self.study,
                    declared,
                    prices,
                    self.ledger,
                    look,
                    bought=bought,
                    reproduce=self.reproduce,
                )

            def show(look: int) -> None:
                self.listener.looked(refresh(look, False))

            with self.start(self.folder / "logs") as engine:
                for look in range(len(self.study.looks)):
                    theirs = self._buy(engine, look, arms, partial(show, look))
                    if theirs:  # trained by another study meanwhile: not paid for by this one
                        declared["known"] = sorted({*declared["known"], *theirs})
                        write_json(self.folder / DECLARATION, declared)
                    if self._over():
                        write(refresh(look, False), self.folder)
                        raise Interrupted
                    report = refresh(look, True)
                    write(report, self.folder)
                    self.ledger.remember(report["study_id"], history.summary(report))
                    self.listener.looked(report)
                    arms = [row["name"] for row in report["arms"] if not row["finished"]]
                    if not arms:
                        break
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
        all_jobs = jobs_until(self.study, len(self.study.looks) - 1, list(self.study.arms))
        declared = {
            "id": self.study.id,
            "name": self.study.name,
            "declared_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "declaration": self.study.declaration,
            # What the ledger knew before: so that "reused" means the same after a restart.
            "known": sorted(self.ledger.known(job.cell for job in all_jobs)),
        }
        write_json(path, declared)
        self.listener.declared(self.study, self.folder, False)
        return declared

    def _buy(
        self, engine: Engine, look: int, arms: list[str], pair_done: Callable[[], None]
    ) -> list[str]:
        """Run every cell that look `look` needs and the ledger does not know; ids of those that
        another study has trained meanwhile."""
        jobs = jobs_until(self.study, look, arms)
        missing = [job for job in jobs if self.ledger.finished(job.cell) is None]
        self.listener.planned(look, jobs, len(jobs) - len(missing))
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
            if event["event"] == "done":
                pair_done()

        return share.run(engine, self.ledger, folders, tell, self._over)

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


@contextmanager
def _signals(stop: Callable[..., None]) -> Iterator[None]:
    """Ctrl-C and SIGTERM ask for a tidy end; the old handlers come back afterwards."""
    try:
        before = {s: signal.signal(s, stop) for s in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not in the main thread: the caller has signals in hand
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

"""Studies that take a second: tiny cells, run in this process, with costs made up beforehand."""

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.train.tiny import SIZES

from partbench.core.cell import RECORD, SPEC, Cell
from partbench.core.numerics import Numerics
from partbench.measure import machine
from partbench.report.write import write
from partbench.study.ledger import Ledger
from partbench.study.run import Driver
from partbench.study.spec import Study, base_config, from_swaps
from partbench.train.record import run_cell

COST = {
    "parameters": {"read": 1000},
    "flops_per_token": 2000,
    "unmoved": [],
    "peak_memory_bytes": 1 << 20,
    "seconds_per_step": 0.001,
    "ratio": None,
    "ratio_low": None,
    "ratio_high": None,
    "log_ratio_error": None,
}
RATIO = {"ratio": 1.1, "ratio_low": 1.05, "ratio_high": 1.15, "log_ratio_error": 0.02}


class Quiet:
    """Listens and remembers what was said."""

    def __init__(self) -> None:
        self.heard: list[tuple[Any, ...]] = []

    def declared(self, study: Study, folder: Path, seen: bool) -> None:
        """Seen before or new."""
        self.heard.append(("declared", seen))

    def costed(self, study: Study, costs: dict[str, Any]) -> None:
        """Costs are known."""
        self.heard.append(("costed", sorted(costs)))

    def planned(self, what: str, jobs: list, known: int) -> None:
        """What a look needs."""
        self.heard.append(("planned", what, len(jobs), known))

    def progressed(self, event: dict[str, Any]) -> None:
        """An event."""
        if event["event"] == "done":
            self.heard.append(("done", event["status"]))

    def looked(self, report: dict[str, Any]) -> None:
        """A report."""
        self.heard.append(("looked", report["status"]))


class Here:
    """In the place of an engine: cells one after the other in this process."""

    before: Callable[[Path], None] = staticmethod(lambda folder: None)
    ran: list[Path] = []

    def __init__(self, *slots_and_threads: int | Path) -> None:
        self.log = Path(slots_and_threads[-1])

    def __enter__(self) -> "Here":
        return self

    def __exit__(self, *reason: object) -> None:
        pass

    def run(
        self,
        folders: Iterable[Path],
        tell: Callable[[dict[str, Any]], None],
        until: Callable[[], bool] = lambda: False,
    ) -> None:
        """Run every cell, as the workers would."""
        for folder in list(folders):
            if until():
                return
            type(self).before(folder)
            cell = Cell.read(folder / SPEC)
            record = run_cell(cell, folder)
            type(self).ran.append(folder)
            tell({"event": "done", "id": cell.id, "folder": str(folder),
                  "status": record["status"]})  # fmt: skip


def made_up_costs(study: Study) -> dict[str, Any]:
    """What `costs.measure` would find, the same every time."""
    return {name: COST | (RATIO if name != "base" else {}) for name in study.everyone}


def use_costs(folder: Path, study: Study) -> None:
    """Put made-up costs where a study of that folder finds them, so that nothing is timed."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "costs.json").write_text(json.dumps(made_up_costs(study)))


def known_machine(**changes: Any) -> dict[str, Any]:
    """A profile by hand, kept in the home folder: float32, fused, two at a time."""
    kinds = [(1, 1, 1.0), (2, 1, 2.0), (1, 2, 1.5)]
    steps = [
        {"precision": precision, "attention": "fused", "processes": processes,
         "threads": threads, "seconds": 1 / rate, "steps_per_second": rate}
        for precision in ("float32", "bfloat16") for processes, threads, rate in kinds
    ]  # fmt: skip
    attention = [
        {"precision": precision, "context": 64, "threads": 1,
         "fused": 1.0, "explicit": 1.1, "better": "fused"}
        for precision in ("float32", "bfloat16")
    ]  # fmt: skip
    measured = {"steps": steps, "attention": attention, "rates": [], "sizes": {}, **changes}
    profile = machine.profile(measured)
    machine.write(profile)
    return profile


def swaps(text: Path, *changes: str, edits: dict[str, Any] | None = None, **settings: Any) -> Study:
    """A tiny study of some swaps with a margin in bits, so that it needs no slope."""
    small = {**SIZES, "train.steps": 4, "optimizer.rate": 1e-2, "task.corpus": str(text)}
    base = base_config("quick").edit({**small, **(edits or {})})
    settings = {"margin": "0.5", "looks": [2, 3], **settings}
    return from_swaps(base, list(changes), lambda config: Numerics(), **settings)


def no_page(report: dict[str, Any], folder: Path) -> Path:
    """In the place of `report.write.write`: drawing the charts takes longer than these studies."""
    return folder


def drive(
    study: Study, folder: Path, listener: Any = None, page: bool = False, **settings: Any
) -> dict[str, Any]:
    """Run a study to its end with made-up costs; its report."""
    use_costs(folder, study)
    driver = Driver(study, folder, Ledger(), Here, listener or Quiet(), **settings)
    return driver.run(write if page else no_page)


def records() -> dict[str, int]:
    """Cell id -> time stamp of its record, for everything in the ledger."""
    return {path.parent.name: path.stat().st_mtime_ns for path in Ledger().root.rglob(RECORD)}


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> type[Here]:
    """Run cells in this process."""
    monkeypatch.setattr("partbench.engines.local.Local", Here)
    monkeypatch.setattr(Here, "ran", [])
    monkeypatch.setattr(Here, "before", staticmethod(lambda folder: None))
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # nobody pulls the plug here
    return Here


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No arm is given up before its last look, however little hope there is."""
    hopeful = SimpleNamespace(futile=False)
    monkeypatch.setattr("partbench.study.reading.futility", lambda *all: hopeful)

"""The bank: the cells that studies are resampled from, each as one line of a file.

A line has what judging reads of a record: its address, what it is, seed, fold, outcome and score.
The file stands in for the ledger: with it, every figure follows without training anything.
"""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from partbench.core.cell import Cell
from partbench.core.config import fingerprint
from partbench.core.errors import CellError
from partbench.core.files import write_whole
from partbench.engines import Engine
from partbench.study.ledger import Ledger
from partbench.study.plan import Job

Row = dict[str, Any]
USUAL: Row = {"status": "finished", "unit": "bits per byte", "reason": "", "liveness": []}


class Bank:
    """Looks cells up in `path`, then in the ledger, and trains those that neither knows."""

    def __init__(self, path: Path, ledger: Ledger) -> None:
        self.path = path
        self.ledger = ledger
        self.rows: dict[str, Row] = {}
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                row = USUAL | json.loads(line)
                self.rows[row["id"]] = row

    def record(self, cell: Cell) -> Row | None:
        """What is known of a cell, in the form of a record; None where it has not run."""
        return self.rows.get(cell.id)

    def look_up(self, jobs: Iterable[Job]) -> list[Job]:
        """Take in whatever the ledger knows of these; the others, each once."""
        missing: dict[str, Job] = {}
        for job in jobs:
            if job.cell.id not in self.rows and job.cell.id not in missing:
                record = self.ledger.finished(job.cell)
                if record is None:
                    missing[job.cell.id] = job
                else:
                    self.rows[job.cell.id] = _row(job, record)
        return list(missing.values())

    def train(
        self,
        jobs: list[Job],
        engine: Engine,
        done: Callable[[], None],
        over: Callable[[], bool],
    ) -> None:
        """Run these cells; `done` hears of each. CellError where one failed, for the bench's own
        tiny base has no reason to."""
        folders = {self.ledger.prepare(job.cell): job for job in jobs}

        def tell(event: dict[str, Any]) -> None:
            if event["event"] != "done":
                return
            job = folders[Path(event["folder"])]
            record = self.ledger.finished(job.cell)
            if record is None:
                reason = (self.ledger.record(job.cell) or {}).get("reason", f"see {engine.log}")
                raise CellError(f"{job.arm}, seed {job.seed}: {reason}")
            self.rows[job.cell.id] = _row(job, record)
            done()

        try:
            engine.run(folders, tell, over)
        finally:
            self.save()

    def save(self) -> None:
        """Write the file anew, in an order of its own; what is usual is left out of a line."""
        rows = sorted(self.rows.values(), key=lambda row: (row["arm"], row["seed"], row["id"]))
        rows = [{k: v for k, v in row.items() if k not in USUAL or USUAL[k] != v} for row in rows]
        write_whole(self.path, "".join(json.dumps(row) + "\n" for row in rows))

    def digest(self) -> str:
        """A hash of every score: what figures are computed from."""
        return fingerprint([[id, self.rows[id].get("score")] for id in sorted(self.rows)])


def _row(job: Job, record: Row) -> Row:
    row = {"arm": job.arm, "seed": job.seed, "fold": record["fold"], "status": record["status"],
           "score": record.get("score"), "unit": record["unit"], "reason": record["reason"],
           "parameters": sum(record["parameters"].values()), "id": job.cell.id}  # fmt: skip
    if row["score"] is None:
        del row["score"]
    return {**row, "liveness": []}

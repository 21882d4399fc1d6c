"""The ledger: every cell ever run, by its content address. Files are the truth.

home()/ledger/<first two of id>/<id>/{spec.json, record.json, metrics.jsonl, model.safetensors}
home()/ledger/studies/<id>.json     what each study found, and from which cells
home()/ledger/index.sqlite          what the records say, to look up thousands at once
"""

import dataclasses
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from partbench.core import cell as names
from partbench.core import lease
from partbench.core.cell import Cell, checksum, read_record
from partbench.core.errors import BusyError, InputError
from partbench.core.files import held, write_json, write_whole
from partbench.core.home import home
from partbench.study import history
from partbench.study.index import Index, Row, folders

Records = dict[tuple[str, int], dict[str, Any] | None]
"""(arm, seed) -> the record of that cell, None where there is none yet."""
Curve = dict[int, dict[str, Any] | None]
"""Seed -> the record of the base at the smaller budget of its curve."""


class Ledger:
    """Looks records up, mends what a crash of the machine broke, and says so in `repairs`."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or home() / "ledger"
        self.index = Index(self.root)
        self._put_aside: list[str] = []

    @property
    def repairs(self) -> list[str]:
        """What was damaged and how it was mended, one line each."""
        return [*self._put_aside, *self.index.said]

    def folder(self, cell: Cell) -> Path:
        """Where a cell lives, whether it has run or not."""
        return self.root / cell.id[:2] / cell.id

    def record(self, cell: Cell) -> dict[str, Any] | None:
        """The cell's record, or None. A damaged one is put aside and the cell counts as new."""
        path = self.folder(cell) / names.RECORD
        try:
            return read_record(path, cell.id)
        except FileNotFoundError:
            return None
        except ValueError:
            aside = path.with_suffix(".damaged")
            os.replace(path, aside)
            self._put_aside.append(
                f"{path} was damaged; kept as {aside.name}, the cell is run again"
            )
            return None

    def finished(self, cell: Cell) -> dict[str, Any] | None:
        """The record where the cell ran to an outcome (a failure is tried again)."""
        record = self.record(cell)
        return None if record is None or record["status"] == "failed" else record

    def known(self, cells: Iterable[Cell]) -> dict[str, Row]:
        """Id -> what the index knows of those cells that ran to an outcome.

        Quick for thousands: a record is opened only where its file is another than the index read.
        For plans and forecasts; a verdict takes `record`, which reads and checks the file itself.
        """
        rows = self.index.known(cells, self.record)
        return {id: row for id, row in rows.items() if row["status"] != "failed"}

    def remember(self, study: str, found: dict[str, Any]) -> None:
        """Keep what a study found (`history.summary` of its report); replaces what it found before.

        LedgerError where it cannot be written.
        """
        history.write(self.root, study, found)

    def studies(self) -> list[dict[str, Any]]:
        """What all studies found, the oldest first; damaged files are left to `ledger verify`."""
        found = []
        for path in history.files(self.root):
            with suppress(ValueError):
                found.append(history.read(path))
        return sorted(found, key=lambda study: (study["declared_at"], study["id"]))

    def prepare(self, cell: Cell) -> Path:
        """The cell's folder with its spec in it, and no record of an earlier failure."""
        folder = self.folder(cell)
        write_whole(folder / names.SPEC, cell.to_json())
        self.index.make()
        if not (folder / names.RECORD).exists():
            return folder
        # Another study may have trained this cell a moment ago, or be at it: its record stays.
        with suppress(BusyError), held(folder / names.LOCK, f"cell {cell.id[:12]}"):
            if self.finished(cell) is None and (folder / names.RECORD).exists():
                os.replace(folder / names.RECORD, folder / "record.failed")
        return folder

    def give_up(self, cell: Cell, reason: str) -> None:
        """Record a failure for a cell that could not write a record itself."""
        folder = self.folder(cell)
        record = {"schema": 1, "id": cell.id, "seed": cell.seed, "status": "failed"}
        record |= {"reason": reason}
        # Another study may be at this cell: then its record will do.
        with held(folder / names.LOCK, f"cell {cell.id[:12]}", wait=True):
            if not (folder / names.RECORD).exists():
                write_json(folder / names.RECORD, record | {"checksum": checksum(record)})

    def under_way(self) -> list[dict[str, Any]]:
        """Cells without a record: who is at them, since when, and when last heard of.

        status: "under way" where somebody alive holds the cell, else "left".
        """
        found = []
        for folder in folders(self.root):
            if (folder / names.RECORD).exists():
                continue
            row: dict[str, Any] = {"id": folder.name, "status": "left"}
            if sight := lease.seen(folder / names.LOCK):
                row |= {"status": "under way", "silent_seconds": round(sight.silent, 1)}
                row |= dataclasses.asdict(sight.holder) if sight.holder else {}
            found.append(row)
        return found

    def search(self, prefix: str) -> Path:
        """The folder of the one cell whose id begins with `prefix`; InputError otherwise."""
        if len(prefix) < 2 or any(c not in "0123456789abcdef" for c in prefix):
            raise InputError(f"'{prefix}' is not the beginning of a cell's id; see a report's list")
        found = sorted((self.root / prefix[:2]).glob(f"{prefix}*"))
        if not found:
            raise InputError(f"no cell begins with '{prefix}' in {self.root}")
        if len(found) > 1:
            raise InputError(f"{len(found)} cells begin with '{prefix}'; give more letters")
        return found[0]

"""The ledger: every cell ever run, by its content address. Files are the truth.

home()/ledger/<first two of id>/<id>/{spec.json, record.json, metrics.jsonl, model.safetensors}
"""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from partbench.core import cell as names
from partbench.core.cell import Cell, checksum
from partbench.core.errors import BusyError, InputError
from partbench.core.files import held, write_json, write_whole
from partbench.core.home import home

Records = dict[tuple[str, int], dict[str, Any] | None]
"""(arm, seed) -> the record of that cell, None where there is none yet."""
Halves = dict[int, dict[str, Any] | None]
"""Seed -> the record of the base at half the budget."""


class Ledger:
    """Looks records up, mends what a crash of the machine broke, and says so in `repairs`."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or home() / "ledger"
        self.repairs: list[str] = []

    def folder(self, cell: Cell) -> Path:
        """Where a cell lives, whether it has run or not."""
        return self.root / cell.id[:2] / cell.id

    def record(self, cell: Cell) -> dict[str, Any] | None:
        """The cell's record, or None. A damaged one is put aside and the cell counts as new."""
        path = self.folder(cell) / names.RECORD
        try:
            record = json.loads(path.read_bytes())
            if record["checksum"] == checksum(record) and record["id"] == cell.id:
                return record
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, AttributeError):
            pass
        aside = path.with_suffix(".damaged")
        os.replace(path, aside)
        self.repairs.append(f"{path} was damaged; kept as {aside.name}, the cell is run again")
        return None

    def finished(self, cell: Cell) -> dict[str, Any] | None:
        """The record where the cell ran to an outcome (a failure is tried again)."""
        record = self.record(cell)
        return None if record is None or record["status"] == "failed" else record

    def prepare(self, cell: Cell) -> Path:
        """The cell's folder with its spec in it, and no record of an earlier failure."""
        folder = self.folder(cell)
        write_whole(folder / names.SPEC, cell.to_json())
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

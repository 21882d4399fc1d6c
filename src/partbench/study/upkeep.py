"""Upkeep of the ledger: is everything what it says it is, and what may be thrown away.

verify    every spec hashed anew against its address, every record against its checksum, weights
          against the length and the cell that their header names, the index against the records
gc        what no later run needs; records never, unless asked
"""

import json
import shutil
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from partbench.core import cell as names
from partbench.core import lease
from partbench.core.cell import EPOCH, Cell, read_record
from partbench.core.errors import BusyError, ConfigError, LedgerError
from partbench.core.files import cannot_write, held
from partbench.study import history
from partbench.study.index import folders
from partbench.study.ledger import Ledger

ASIDE = ("record.failed", "record.damaged")
TRACEBACK = "traceback.txt"
DRAFT_SECONDS = 3600.0
"""A younger draft may be one that is being written now."""
DONE = ("finished", "diverged")


@dataclass
class Findings:
    """What `verify` found, one line each. damaged: not what it says; orphaned: cannot be told;
    stale: sound, but no study will ever ask for it."""

    cells: int = 0
    records: int = 0
    studies: int = 0
    damaged: list[str] = field(default_factory=list)
    orphaned: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether all that is there can be trusted."""
        return not self.damaged and not self.orphaned


def verify(ledger: Ledger) -> Findings:
    """Check every file of the ledger; changes nothing but the index, which is made anew."""
    found = Findings()
    for folder in folders(ledger.root):
        found.cells += 1
        _verify_cell(folder, found)
    present = {folder.name for folder in folders(ledger.root)}
    for path in history.files(ledger.root):
        found.studies += 1
        try:
            study = history.read(path)
        except ValueError:
            found.damaged.append(f"{path}: not the checksum it was written with")
            continue
        gone = {cell["id"] for cell in study["cells"]} - present
        if gone:
            found.stale.append(f"study {study['name']}: {len(gone)} of its cells are not here")
    for id in ledger.index.renew():
        found.damaged.append(f"{ledger.index.path}: cell {id[:12]}: row and record differ; mended")
    found.damaged += [line for line in ledger.index.said if "damaged" in line]
    return found


def _verify_cell(folder: Path, found: Findings) -> None:
    try:
        cell = Cell.read(folder / names.SPEC)
        address = cell.id
    except (ConfigError, OSError, KeyError, TypeError, AttributeError):
        bucket = found.damaged if (folder / names.SPEC).exists() else found.orphaned
        bucket.append(f"{folder}: no spec that can be read, so nobody can tell what it is")
        return
    if address != folder.name:
        found.damaged.append(f"{folder}: its spec hashes to {address[:12]}")
        return
    try:
        read_record(folder / names.RECORD, address)
        found.records += 1
    except ValueError:
        found.damaged.append(f"{folder / names.RECORD}: not the checksum it was written with")
    except FileNotFoundError:
        if lease.seen(folder / names.LOCK) is None:
            found.stale.append(f"{folder}: begun and left; its study goes on with the same command")
    if fault := _weights_fault(folder / names.WEIGHTS, address):
        found.damaged.append(f"{folder / names.WEIGHTS}: {fault}")
    if cell.epoch != EPOCH:
        found.stale.append(f"{folder}: of results epoch {cell.epoch}, and today is {EPOCH}")


def _weights_fault(path: Path, id: str) -> str | None:
    """What is wrong with a safetensors file, by its header: 8 bytes of length, then JSON."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(length)) if length < size else {}
        facts = header.pop("__metadata__", {})
        ends = [tensor["data_offsets"][1] for tensor in header.values()]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, struct.error, KeyError, TypeError, AttributeError, IndexError):
        return "its header cannot be read"
    if 8 + length + max(ends, default=0) != size:
        return "it has been cut"
    return None if facts.get("cell") == id else "it belongs to another cell"


@dataclass(frozen=True)
class Item:
    """One file or folder that may go, what kind it is, and its bytes."""

    path: Path
    kind: str
    bytes: int


def garbage(
    ledger: Ledger,
    *,
    weights: bool = False,
    before: float | None = None,
    keep: set[str] | None = None,
    records: bool = False,
) -> list[Item]:
    """What may go. A cell that somebody is at is left alone.

    weights: those of all cells, too. before (seconds since 1970), keep (ids): cells that ended
    earlier and are not kept also lose weights and metrics, or, with `records`, everything.
    """
    status = {row["id"]: row["status"] for row in ledger.index.everything()}
    found: list[Item] = []
    for folder in folders(ledger.root):
        if lease.seen(folder / names.LOCK) is not None or status.get(folder.name) == "damaged":
            continue
        chosen = (before is not None or keep is not None) and _chosen(folder, before, keep)
        known = status.get(folder.name)
        if chosen and (records or known is None):
            size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
            found.append(Item(folder, "whole cells" if known else "cells begun and left", size))
        else:
            found += _of_cell(folder, known, weights or chosen, chosen)
    return found


def _chosen(folder: Path, before: float | None, keep: set[str] | None) -> bool:
    if keep is not None and folder.name in keep:
        return False
    for name in (names.RECORD, names.SPEC):
        with suppress(FileNotFoundError):
            return before is None or (folder / name).stat().st_mtime < before
    return True


def _of_cell(folder: Path, status: str | None, weights: bool, metrics: bool) -> Iterator[Item]:
    def item(path: Path, kind: str) -> Iterator[Item]:
        with suppress(FileNotFoundError):
            yield Item(path, kind, path.stat().st_size)

    for draft in folder.glob(".*"):
        with suppress(FileNotFoundError):
            if time.time() - draft.stat().st_mtime < DRAFT_SECONDS:
                continue
        yield from item(draft, "drafts that a kill left")
    for dead in lease.leftovers(folder / names.LOCK):
        yield from item(dead, "leases of the dead")
    if status is not None:
        yield from item(folder / names.CHECKPOINT, "checkpoints of cells that ended")
    if status in DONE:
        for name in (*ASIDE, TRACEBACK):
            yield from item(folder / name, "leftovers of failures")
        if weights:
            yield from item(folder / names.WEIGHTS, "weights")
        if metrics:
            yield from item(folder / names.METRICS, "metrics")


def sweep(ledger: Ledger, items: list[Item]) -> int:
    """Delete `items`, except of cells that somebody has taken up since; bytes that went."""
    went = 0
    for item in items:
        folder = item.path if item.path.parent.parent == ledger.root else item.path.parent
        try:
            with held(folder / names.LOCK, f"cell {folder.name[:12]}"):
                if item.path == folder:
                    shutil.rmtree(folder)
                else:
                    item.path.unlink(missing_ok=True)
                went += item.bytes
        except (BusyError, LedgerError):
            continue
        except OSError as error:
            raise cannot_write(item.path, error) from error
    return went


def totals(items: list[Item]) -> list[dict[str, Any]]:
    """Files and bytes of each kind."""
    kinds = dict.fromkeys(item.kind for item in items)
    return [
        {
            "kind": kind,
            "files": sum(item.kind == kind for item in items),
            "bytes": sum(item.bytes for item in items if item.kind == kind),
        }
        for kind in kinds
    ]

"""The index: what the ledger's records say, in one SQLite table. Records are the truth.

Each row holds the stamp (size, times, inode) of the very file it was read from. A row counts only
while the file still has that stamp, so the index may be deleted, damaged or out of date: then the
records are read again. Nothing that a verdict rests on is taken from here.
"""

import contextlib
import os
import platform
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from partbench.core import cell as names
from partbench.core.cell import Cell, read_record
from partbench.core.errors import ConfigError
from partbench.core.resolve import named

VERSION = 1
COLUMNS = (
    "id arm seed status score unit fold task model parts depth width context steps batch rate"
    " tokens seconds parameters flops_per_token reason torch epoch ended folder stamp"
).split()
NETWORKS = ("nfs", "nfs4", "lustre", "cifs", "smb3", "beegfs", "gpfs", "ceph", "fuse.sshfs", "9p")
Row = dict[str, Any]
T = TypeVar("T")


class Index:
    """The table of a ledger at `root`. `said`: what went wrong with it, one line each."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.path = place(root)
        self.said: list[str] = []

    def make(self) -> None:
        """Make the file where there is none, before there are records whose index it could lack."""
        if not self.path.exists():
            self._use(lambda db: None)

    def known(self, cells: Iterable[Cell], read: Callable[[Cell], Row | None]) -> dict[str, Row]:
        """Rows of those `cells` that have a record. `read` reads one that changed, or None."""
        stamps: dict[str, tuple[Cell, str]] = {}
        for cell in cells:
            stamp = stamp_of(f"{self.root}/{cell.id[:2]}/{cell.id}/{names.RECORD}")
            if stamp is not None:
                stamps[cell.id] = (cell, stamp)
        rows = self._rows(list(stamps)) if stamps else {}
        fresh = []
        for id, (cell, stamp) in stamps.items():
            if id not in rows or rows[id]["stamp"] != stamp:
                rows.pop(id, None)
                if (record := read(cell)) is not None:
                    rows[id] = row(cell, record, self.root, stamp)
                    fresh.append(rows[id])
        self._put(fresh)
        return rows

    def everything(self) -> list[Row]:
        """A row for each record there is, the index brought up to date; damaged ones say so."""
        seen = {folder.name: stamp_of(folder / names.RECORD) for folder in folders(self.root)}
        stamps = {id: stamp for id, stamp in seen.items() if stamp is not None}
        rows = self._rows(None)
        gone = [id for id in rows if id not in stamps]
        fresh = [
            read_row(self.root, id, stamp)
            for id, stamp in stamps.items()
            if id not in rows or rows[id]["stamp"] != stamp
        ]
        self._put([row for row in fresh if row["status"] != "damaged"], gone)
        for row in fresh:
            line = f"cell {row['id'][:12]} is damaged; `partbench ledger verify` says how"
            if row["status"] == "damaged" and line not in self.said:
                self.said.append(line)
        rows |= {row["id"]: row for row in fresh}
        return sorted((rows[id] for id in stamps), key=lambda row: (row["ended"], row["id"]))

    def renew(self) -> list[str]:
        """Read every record and write every row anew; ids whose row said what its file did not."""
        before = self._rows(None)
        stamps = {folder.name: stamp_of(folder / names.RECORD) for folder in folders(self.root)}
        read = [read_row(self.root, id, stamp) for id, stamp in stamps.items() if stamp]
        whole = [row for row in read if row["status"] != "damaged"]
        self._put(whole, [id for id in before if not stamps.get(id)])
        alike = [row for row in whole if before.get(row["id"], {}).get("stamp") == row["stamp"]]
        return [row["id"] for row in alike if before[row["id"]] != row]

    def _rows(self, ids: list[str] | None) -> dict[str, Row]:
        def work(db: sqlite3.Connection) -> dict[str, Row]:
            if ids is None:
                found = db.execute("SELECT * FROM cells").fetchall()
            else:
                found = []
                for start in range(0, len(ids), 500):
                    some = ids[start : start + 500]
                    marks = ",".join("?" * len(some))
                    query = f"SELECT * FROM cells WHERE id IN ({marks})"
                    found += db.execute(query, some).fetchall()
            return {values[0]: dict(zip(COLUMNS, values, strict=True)) for values in found}

        return self._use(work) or {}

    def _put(self, rows: list[Row], gone: Iterable[str] = ()) -> None:
        def work(db: sqlite3.Connection) -> None:
            with _all_or_nothing(db):
                db.executemany("DELETE FROM cells WHERE id = ?", [(id,) for id in gone])
                marks = ",".join("?" * len(COLUMNS))
                values = [[row[column] for column in COLUMNS] for row in rows]
                db.executemany(f"INSERT OR REPLACE INTO cells VALUES ({marks})", values)

        gone = list(gone)
        if rows or gone:
            self._use(work)

    def _use(self, work: Callable[[sqlite3.Connection], T]) -> T | None:
        """`work` with the table; a damaged file is made anew, and a busy or read-only one passed
        over: everything is in the records too."""
        if not self.root.is_dir():
            return None
        for _ in range(2):
            try:
                with contextlib.closing(sqlite3.connect(self.path, timeout=20)) as db:
                    db.isolation_level = None
                    self._settle(db)
                    return work(db)
            except sqlite3.OperationalError as error:
                self._say(f"{self.path} cannot be used ({error}); records are read one by one")
                return None
            except sqlite3.DatabaseError:
                self._remove()
                self._say(f"{self.path} was damaged; it is made anew from the records")
        return None

    def _settle(self, db: sqlite3.Connection) -> None:
        """The table, made where there is none or one of another version."""
        if db.execute("PRAGMA user_version").fetchone()[0] == VERSION:
            return
        db.execute("PRAGMA journal_mode = WAL")
        with _all_or_nothing(db):
            if db.execute("PRAGMA user_version").fetchone()[0] != VERSION:
                db.execute("DROP TABLE IF EXISTS cells")
                rest = ", ".join(COLUMNS[1:])
                db.execute(f"CREATE TABLE cells (id TEXT PRIMARY KEY, {rest}) WITHOUT ROWID")
                db.execute(f"PRAGMA user_version = {VERSION}")
                if any(stamp_of(folder / names.RECORD) for folder in folders(self.root)):
                    self._say(f"{self.path} was not there; it is made anew from the records")

    def _remove(self) -> None:
        for ending in ("", "-wal", "-shm"):
            Path(f"{self.path}{ending}").unlink(missing_ok=True)

    def _say(self, line: str) -> None:
        if not any(known.startswith(str(self.path)) for known in self.said):
            self.said.append(line)


@contextlib.contextmanager
def _all_or_nothing(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def place(root: Path, mounts: Path = Path("/proc/mounts")) -> Path:
    """Where the index lies: one for each machine where the disk is a network's, since SQLite's
    write-ahead log must not be shared by machines."""
    kind, longest = "", -1
    with contextlib.suppress(OSError):
        for line in mounts.read_text(encoding="utf-8", errors="replace").splitlines():
            _, where, filesystem, *_ = [*line.split(), "", "", ""]
            if len(where) > longest and root.absolute().is_relative_to(where or "/nowhere"):
                kind, longest = filesystem, len(where)
    return root / (f"index-{platform.node()}.sqlite" if kind in NETWORKS else "index.sqlite")


def stamp_of(path: str | Path) -> str | None:
    """What changes whenever a file does, without reading it; None where there is none."""
    try:
        s = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return f"{s.st_size} {s.st_mtime_ns} {s.st_ctime_ns} {s.st_ino}"


def folders(root: Path) -> Iterator[Path]:
    """The folder of every cell in a ledger, in the order of ids."""
    with contextlib.suppress(FileNotFoundError):
        for shard in sorted(os.listdir(root)):
            if len(shard) == 2 and (root / shard).is_dir():
                for id in sorted(os.listdir(root / shard)):
                    if len(id) == 64:
                        yield root / shard / id


def read_row(root: Path, id: str, stamp: str) -> Row:
    """The row of one cell from its files; a spec that hashes to another address is damaged."""
    folder = root / id[:2] / id
    try:
        cell = Cell.read(folder / names.SPEC)
        if cell.id == id:
            return row(cell, read_record(folder / names.RECORD, id), root, stamp)
    except (ConfigError, ValueError, KeyError, TypeError, AttributeError, FileNotFoundError):
        pass
    return _damaged(id, stamp)


def _damaged(id: str, stamp: str) -> Row:
    """The row of a cell whose files are not what they say."""
    blank: Row = dict.fromkeys(COLUMNS)
    known = {"id": id, "status": "damaged", "ended": _ended(stamp), "stamp": stamp}
    return blank | known | {"folder": f"{id[:2]}/{id}"}


def row(cell: Cell, record: Row, root: Path, stamp: str) -> Row:
    """What the index keeps of a record."""
    config, sizes, train = cell.config, cell.config["dims"], cell.config["train"]
    model = [pair for pair in named(config["model"], "model") if pair[0] != "model"]
    values = {
        "id": cell.id, "arm": cell.arm, "seed": cell.seed, "folder": f"{cell.id[:2]}/{cell.id}",
        **{key: record.get(key) for key in
           ("status", "score", "unit", "fold", "tokens", "flops_per_token", "reason")},
        "task": config["task"]["part"], "model": config["model"]["part"],
        "parts": " ".join(f"{slot}={name.rpartition('/')[2]}" for slot, name in model),
        **{key: sizes[key] for key in ("depth", "width", "context")},
        **{key: train[key] for key in ("steps", "batch")},
        "rate": config["optimizer"].get("rate"),
        "seconds": sum(record.get("seconds", {}).values()),
        "parameters": sum(record["parameters"].values()) if "parameters" in record else None,
        "torch": cell.torch, "epoch": cell.epoch, "ended": _ended(stamp), "stamp": stamp,
    }  # fmt: skip
    return {column: values[column] for column in COLUMNS}


def _ended(stamp: str) -> float:
    """Seconds since 1970 at which the record was written."""
    return int(stamp.split()[1]) / 1e9

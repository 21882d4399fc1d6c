"""Records in and out of a ledger: a folder, a tar file, one line of JSON a cell, or a table.

Folder and tar hold xx/<id>/{spec.json, record.json} and studies/<id>.json as the ledger does, jsonl
{"id", "ended", "spec", "record"} a line; all three can be read in again. csv is a table for reading
alone. Specs travel without the folders of this machine, which their addresses do not hold either.
Nothing is believed on the way in: a spec must hash to its address, a record to its checksum.
"""

import csv
import dataclasses
import io
import itertools
import json
import os
import re
import tarfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from partbench.core import cell as names
from partbench.core.cell import Cell, checksum
from partbench.core.errors import InputError
from partbench.core.files import cannot_write, held, write_whole
from partbench.study import history
from partbench.study.index import COLUMNS
from partbench.study.ledger import Ledger

TARS = {".tar": "w", ".gz": "w:gz", ".tgz": "w:gz"}
EXTRAS = (names.METRICS, names.WEIGHTS)
FILES = (names.SPEC, names.RECORD, *EXTRAS)
PLACE = re.compile(r"(?:^|/)([0-9a-f]{2})/(\1[0-9a-f]{62})/([\w.]+)$")
STUDY = re.compile(rf"(?:^|/){history.FOLDER}/([0-9a-f]{{64}})\.json$")
Row = dict[str, Any]
File = tuple[str, bytes, float]
"""Name, content, and when it was written."""


def export(ledger: Ledger, target: Path, rows: list[Row], studies: list[Row], whole: bool) -> int:
    """Write the cells of `rows` (of the index) to `target`; how many.

    whole: metrics and weights too (folder and tar alone). LedgerError where it cannot be written.
    """
    if target.suffix == ".csv":
        write_whole(target, _table(rows))
    elif target.suffix == ".jsonl":
        write_whole(target, "".join(_lines(ledger, rows)))
    else:
        files = itertools.chain(_files(ledger, rows, whole), _studies(ledger, studies))
        if target.suffix in TARS:
            _tar(target, files)
        else:
            for name, content, moment in files:
                write_whole(target / name, content)
                os.utime(target / name, (moment, moment))
    return len(rows)


def _table(rows: list[Row]) -> str:
    text = io.StringIO()
    columns = [column for column in COLUMNS if column not in ("stamp", "folder")]
    writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows({**row, "ended": when(row["ended"])} for row in rows)
    return text.getvalue()


def when(seconds: float) -> str:
    """A moment as ISO 8601 in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _lines(ledger: Ledger, rows: list[Row]) -> Iterator[str]:
    for row in rows:
        folder = ledger.root / row["folder"]
        spec, record = json.loads(_spec(folder)), json.loads((folder / names.RECORD).read_bytes())
        line = {"id": row["id"], "ended": row["ended"], "spec": spec, "record": record}
        yield json.dumps(line, allow_nan=False) + "\n"


def _spec(folder: Path) -> bytes:
    """The spec without folders of this machine; its address is the same."""
    cell = Cell.read(folder / names.SPEC)
    return dataclasses.replace(cell, **cell.portable).to_json().encode()


def _files(ledger: Ledger, rows: list[Row], whole: bool) -> Iterator[File]:
    for row in rows:
        for name in FILES if whole else FILES[:2]:
            path = ledger.root / row["folder"] / name
            if path.exists():
                content = _spec(path.parent) if name == names.SPEC else path.read_bytes()
                yield f"{row['folder']}/{name}", content, path.stat().st_mtime


def _studies(ledger: Ledger, studies: list[Row]) -> Iterator[File]:
    for study in studies:
        path = ledger.root / history.FOLDER / f"{study['id']}.json"
        yield f"{history.FOLDER}/{path.name}", path.read_bytes(), path.stat().st_mtime


def _tar(target: Path, files: Iterable[File]) -> None:
    """The same ledger gives the same tar, whoever packs it."""
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tarfile.open(draft, TARS[target.suffix]) as tar:  # type: ignore[call-overload]
            for name, content, moment in files:
                info = tarfile.TarInfo(name)
                info.size, info.mtime = len(content), int(moment)
                tar.addfile(info, io.BytesIO(content))
        os.replace(draft, target)
    except OSError as error:
        raise cannot_write(target, error) from error
    finally:
        draft.unlink(missing_ok=True)


@dataclass
class Taken:
    """What came in: cells that are new, that were known, and what was refused and why."""

    new: int = 0
    known: int = 0
    studies: int = 0
    refused: list[str] = field(default_factory=list)


def take_in(ledger: Ledger, source: Path) -> Taken:
    """Read the cells of an export into the ledger. A record that is there already stays.

    InputError where `source` is no export at all; a damaged cell is refused and the rest taken.
    """
    taken = Taken()
    try:
        for id, files, ended in _cells(source, ledger, taken):
            _put(ledger, id, files, ended, taken)
    except (OSError, tarfile.TarError, EOFError) as error:
        raise _unreadable(source, error) from None
    if taken == Taken():
        raise InputError(
            f"{source}: holds no cells; give what `partbench ledger export` wrote as a folder, "
            f".tar, .tar.gz or .jsonl"
        )
    return taken


def cells(source: Path) -> dict[str, tuple[Cell, Row]]:
    """Id -> spec and record of every cell in the folder or tar `source`, without a ledger.

    InputError where it cannot be read, or a cell is not what it was written as.
    """
    files: dict[str, dict[str, bytes]] = {}
    try:
        for name, content, _ in _contents(source):
            if (place := PLACE.search(name)) and place[3] in FILES:
                files.setdefault(place[2], {})[place[3]] = content
    except (OSError, tarfile.TarError, EOFError) as error:
        raise _unreadable(source, error) from None
    found = {}
    for id, parts in files.items():
        cell = _opened(id, parts)
        if cell is None:
            raise InputError(f"{source}: {_damaged(id)}")
        found[id] = cell
    return found


def _cells(
    source: Path, ledger: Ledger, taken: Taken
) -> Iterator[tuple[str, dict[str, bytes], float]]:
    """Id, files by name and end of every cell in `source`; studies are put away at once."""
    if source.suffix == ".jsonl":
        for number, line in enumerate(source.read_text(encoding="utf-8").splitlines(), start=1):
            try:
                row = json.loads(line)
                files = {
                    names.SPEC: json.dumps(row["spec"], indent=1, sort_keys=True).encode() + b"\n",
                    names.RECORD: json.dumps(row["record"], indent=1).encode() + b"\n",
                }
                yield str(row["id"]), files, float(row["ended"])
            except (ValueError, KeyError, TypeError):
                taken.refused.append(f"{source}:{number}: not a cell")
        return
    found: dict[str, dict[str, bytes]] = {}
    ended: dict[str, float] = {}
    for name, content, moment in _contents(source):
        if study := STUDY.search(name):
            _put_study(ledger, study[1], content, name, taken)
        elif (place := PLACE.search(name)) and place[3] in FILES:
            found.setdefault(place[2], {})[place[3]] = content
            if place[3] == names.RECORD:
                ended[place[2]] = moment
    for id in list(found):
        yield id, found.pop(id), ended.get(id, 0.0)


def _contents(source: Path) -> Iterator[File]:
    """Name, content and time of every plain file; nothing is ever unpacked to a path."""
    if source.is_dir():
        for path in sorted(source.rglob("*")):
            if path.is_file():
                yield path.relative_to(source).as_posix(), path.read_bytes(), path.stat().st_mtime
        return
    with tarfile.open(source) as tar:
        for member in tar:
            if member.isfile() and (file := tar.extractfile(member)):
                yield member.name, file.read(), float(member.mtime)


def _unreadable(source: Path, error: Exception) -> InputError:
    why = str(error).splitlines()[0].rstrip(":")  # tarfile lists all that it tried
    return InputError(f"{source}: cannot be read: {why}")


def _damaged(id: str) -> str:
    return f"cell {id[:12]}: its spec or its record is not what it was written as"


def _opened(id: str, files: dict[str, bytes]) -> tuple[Cell, Row] | None:
    """Spec and record; None where the spec is not at its address or the record has changed."""
    try:
        cell = Cell(**json.loads(files[names.SPEC]))
        record = json.loads(files[names.RECORD])
        sound = cell.id == id == record["id"] and record["checksum"] == checksum(record)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return (cell, record) if sound else None


def _put(ledger: Ledger, id: str, files: dict[str, bytes], ended: float, taken: Taken) -> None:
    opened = _opened(id, files)
    if opened is None:
        taken.refused.append(_damaged(id))
        return
    cell, _ = opened
    folder = ledger.folder(cell)
    with held(folder / names.LOCK, f"cell {id[:12]}", wait=True):
        if ledger.finished(cell) is not None:
            taken.known += 1
            return
        for name in (names.SPEC, *EXTRAS, names.RECORD):  # the record last: it says all is there
            if name in files:
                write_whole(folder / name, files[name])
        os.utime(folder / names.RECORD, (ended, ended))
        taken.new += 1


def _put_study(ledger: Ledger, id: str, content: bytes, name: str, taken: Taken) -> None:
    try:
        found = json.loads(content)
        sound = found["id"] == id and found["checksum"] == checksum(found)
    except (ValueError, KeyError, TypeError, AttributeError):
        sound = False
    path = ledger.root / history.FOLDER / f"{id}.json"
    if not sound:
        taken.refused.append(f"{name}: not the checksum it was written with")
    elif not path.exists():
        write_whole(path, content)
        taken.studies += 1

"""The runs of outside commands, by content address. Files are the truth; nothing is run twice.

home()/commands/<first two of id>/<id>/{spec.json, record.json, output.txt, metric, out/, lock}
id = SHA-256 of (words with their places, variables, seed, file of the metric, state of the code)
"""

import fcntl
import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from partbench.core.cell import checksum
from partbench.core.config import fingerprint
from partbench.core.files import cannot_write, write_json
from partbench.core.home import home
from partbench.study.outside.command import Command

SPEC, RECORD, OUTPUT, CAPTURED, OUT, LOCK = (
    "spec.json", "record.json", "output.txt", "metric", "out", "lock",
)  # fmt: skip
Tree = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """One command at one seed. file: the metric's file with its places, "" where it is printed.

    state: what `source.Source.of` says of the command's code.
    """

    command: Command
    seed: int
    file: str
    state: str

    @cached_property
    def spec(self) -> Tree:
        """All that decides the run, as JSON."""
        return {
            "schema": 1,
            "words": list(self.command.words),
            "variables": self.command.variables,
            "seed": self.seed,
            "file": self.file,
            "state": self.state,
        }

    @cached_property
    def id(self) -> str:
        """The content address, in hexadecimal."""
        return fingerprint(self.spec)


class Runs:
    """Looks runs up and writes them down; `repairs` says what was damaged."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or home() / "commands"
        self.repairs: list[str] = []

    def folder(self, run: Run) -> Path:
        """Where a run lives, whether it has run or not."""
        return self.root / run.id[:2] / run.id

    def record(self, run: Run) -> Tree | None:
        """The run's record, or None. A damaged one is put aside and the run counts as new."""
        path = self.folder(run) / RECORD
        try:
            record = json.loads(path.read_bytes())
            whole = record["checksum"] == checksum(record) and record["id"] == run.id
            if whole and record["kept"] == kept(self.folder(run)):
                return record
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, AttributeError):
            pass
        aside = path.with_suffix(".damaged")
        os.replace(path, aside)
        self.repairs.append(f"{path} was damaged; kept as {aside.name}, the command is run again")
        return None

    def finished(self, run: Run) -> Tree | None:
        """The record of a run that ended well (a failure is tried again)."""
        record = self.record(run)
        return None if record is None or record["status"] == "failed" else record

    def output(self, run: Run) -> str:
        """What the run printed."""
        return _text(self.folder(run) / OUTPUT) or ""

    def captured(self, run: Run) -> str | None:
        """The metric's file as the run left it; None where it left none."""
        return _text(self.folder(run) / CAPTURED)

    def claim(self, run: Run) -> IO[str] | None:
        """Hold a run's folder for a start; None where another process is at this run.

        A child that inherits the file holds on, should this process be killed.
        """
        folder = self.folder(run)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            file = (folder / LOCK).open("a")
        except OSError as error:
            raise cannot_write(folder, error) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return None
        return file

    def prepare(self, run: Run) -> Path:
        """The claimed folder with its spec, an empty `out`, and nothing of an earlier attempt."""
        folder = self.folder(run)
        write_json(folder / SPEC, run.spec)
        try:
            for name in (RECORD, CAPTURED):
                (folder / name).unlink(missing_ok=True)
            if (folder / OUT).exists():
                shutil.rmtree(folder / OUT)
            (folder / OUT).mkdir()
        except OSError as error:
            raise cannot_write(folder, error) from error
        return folder

    def write(self, run: Run, record: Tree) -> None:
        """Put the record down, whole: with it the run is known."""
        folder = self.folder(run)
        record = {"schema": 1, "id": run.id, **record, "kept": kept(folder)}
        write_json(folder / RECORD, record | {"checksum": checksum(record)})


def kept(folder: Path) -> dict[str, str]:
    """SHA-256 of what a run left to be read."""
    found = {}
    for name in (OUTPUT, CAPTURED):
        if (folder / name).exists():
            with (folder / name).open("rb") as file:
                found[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8-sig", errors="replace")
    except FileNotFoundError:
        return None

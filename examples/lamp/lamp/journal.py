"""The journal: everything that happened, each event on disk before anything comes of it.

    crc32 of what follows, eight digits | JSON of one event | newline

An event is appended, flushed and fsynced before it is acted on. A kill can tear only the last
line; opening cuts a torn end off. Everything else (the lamp's state, the learner's sums, the table)
is worked out from the journal, so it cannot disagree with it. One process writes at a time.
"""

import fcntl
import json
import os
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from partbench.core.errors import BusyError, DataError, LedgerError

Event = dict[str, Any]
NAME = "journal.txt"
PATIENCE = 1.0
"""Seconds that a lock is waited for. A process that was being started when its lamp was killed
holds the lamp's files for an instant longer.
"""


class Journal:
    """The open journal of a folder, which is made where it is missing.

    Raises BusyError where another lamp has it open, DataError where it is damaged before its end,
    LedgerError where it cannot be written.
    """

    def __init__(self, folder: Path, patience: float = PATIENCE) -> None:
        self.path = folder / NAME
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("a+b")
            if not _locked(self._file, patience):
                self._file.close()
                raise BusyError(f"{folder}: another lamp is at work here; stop it first")
            _sync_folder(folder)
        except OSError as error:
            raise LedgerError(f"{folder}: cannot be written ({error.strerror})") from error
        found = list(read(self.path))
        self.events = [event for event, _ in found]
        """What was there on opening."""
        self.end = found[-1][1] if found else 0
        self._file.truncate(self.end)

    def append(self, *events: Event) -> None:
        """Write events; on return they are on the disk."""
        data = b"".join(map(_line, events))
        try:
            self._file.write(data)
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise LedgerError(f"{self.path}: cannot be written ({error.strerror})") from error
        self.end += len(data)

    def close(self) -> None:
        """Let another process have it."""
        self._file.close()


def read(path: Path, start: int = 0, end: int | None = None) -> Iterator[tuple[Event, int]]:
    """Events between two places of the file, each with the place where it ends.

    A torn last line is left out. Raises DataError where a line that is not the last is damaged.
    """
    with path.open("rb") as file:
        file.seek(start)
        place, damaged = start, None
        for line in file:
            if end is not None and place >= end:
                return
            if damaged is not None:
                raise DataError(
                    f"{path}: damaged at byte {damaged}; restore a copy, or cut the file off there"
                )
            event = _event(line)
            damaged = place if event is None else None
            place += len(line)
            if event is not None:
                yield event, place


def _locked(file: IO[bytes], patience: float) -> bool:
    """Whether the file is ours now, for as long as it is open."""
    end = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= end:
                return False
            time.sleep(0.02)


def _line(event: Event) -> bytes:
    body = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
    return b"%08x %b\n" % (zlib.crc32(body), body)


def _event(line: bytes) -> Event | None:
    head, _, body = line.rstrip(b"\n").partition(b" ")
    try:
        good = line.endswith(b"\n") and int(head, 16) == zlib.crc32(body)
        return json.loads(body) if good else None
    except ValueError:
        return None


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

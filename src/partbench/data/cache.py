"""Files that appear whole or not at all, for the cache under `home()/data`.

    write to a hidden draft in the same folder -> fsync -> os.replace

Names hold the content's hash, so two processes that build the same file replace it by its equal,
and a reader that has the old one mapped keeps it.
"""

import hashlib
import json
import os
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from partbench.core.errors import DataError, LedgerError
from partbench.core.home import home

DAY_SECONDS = 86_400


def data_folder() -> Path:
    """`home()/data`, created on demand; DataError where it cannot be."""
    try:
        folder = home() / "data"
        folder.mkdir(exist_ok=True)
    except LedgerError as error:
        raise DataError(str(error)) from None
    except OSError as error:
        raise _unwritable(home() / "data", error) from None
    return folder


class Draft:
    """An open binary `file` that nobody sees until `keep` gives it a name."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self.file = file
        self.path = path

    def keep(self, path: Path) -> None:
        """Make the draft durable and put it at `path` in one step."""
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()
        os.replace(self.path, path)
        _sync_folder(path.parent)


@contextmanager
def draft(folder: Path) -> Iterator[Draft]:
    """A draft in `folder`, gone at the end unless it was kept.

    DataError (one line) where the disk is full or the folder cannot be written.
    """
    path = folder / f".{secrets.token_hex(16)}.partial"
    try:
        _sweep(folder)
        with path.open("xb") as file:
            yield Draft(file, path)
    except OSError as error:
        raise _unwritable(folder, error) from None
    finally:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """`value` as JSON at `path`, whole or not at all."""
    with draft(path.parent) as paper:
        paper.file.write(json.dumps(value).encode())
        paper.keep(path)


def read_json(path: Path) -> Any:
    """The JSON at `path`; None where it is missing or damaged, for then it is made anew."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None


def has_size(path: Path, size: int) -> bool:
    """Whether `path` is a file of exactly `size` bytes."""
    try:
        return path.stat().st_size == size
    except OSError:
        return False


def map_file(path: Path, dtype: Any, count: int) -> np.ndarray:
    """`count` numbers of a raw file, memory-mapped and read-only."""
    if not count:
        return np.zeros(0, dtype)  # an empty file cannot be mapped
    # A plain array over the mapping: indexing np.memmap itself costs ten times as much.
    return np.asarray(np.memmap(path, dtype=dtype, mode="r", shape=(count,)))


def kept(identity: str, dtype: Any, make: Callable[[], Iterable[np.ndarray]]) -> np.ndarray:
    """The numbers called `identity`: from the cache, or from the pieces `make` gives, then kept.

    Beside the raw file lies how many there must be; a file that is cut or longer is made anew.
    """
    path = data_folder() / f"{hashlib.sha256(identity.encode()).hexdigest()}.bin"
    record, width = path.with_suffix(".json"), np.dtype(dtype).itemsize
    count = read_json(record)
    if type(count) is not int or count < 0 or not has_size(path, count * width):
        count = 0
        with draft(path.parent) as paper:
            for piece in make():
                paper.file.write(np.ascontiguousarray(piece, dtype).tobytes())
                count += len(piece)
            paper.keep(path)
        write_json(record, count)
    return map_file(path, dtype, count)


def _unwritable(folder: Path, error: OSError) -> DataError:
    return DataError(
        f"cache {folder}: cannot be written ({error.strerror or error}); "
        f"free some space or set PARTBENCH_HOME to another folder"
    )


def _sweep(folder: Path) -> None:
    """Remove drafts that a killed process left; a day old, so nobody is writing them still."""
    for path in folder.glob(".*.partial"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > DAY_SECONDS:
                path.unlink()


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):  # some file systems have no folders to sync
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

"""Files that are whole or not there: written beside their place, flushed, then renamed."""

import errno
import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from partbench.core.errors import BusyError, LedgerError
from partbench.core.lease import Lease, take

POLL_SECONDS = 0.2


def write_whole(path: Path, content: bytes | str) -> None:
    """Write `content` to `path` so that a reader, or a kill, sees the old file or the new one.

    Raises LedgerError where the disk is full or the folder cannot be written; nothing is left.
    """
    data = content.encode() if isinstance(content, str) else content
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:  # after os.replace there is nothing left to remove
        if temporary is not None and os.path.exists(temporary):
            os.unlink(temporary)


def cannot_write(path: Path, error: OSError) -> LedgerError:
    """The one-line error for a write that failed."""
    why = "the disk is full" if error.errno == errno.ENOSPC else (error.strerror or str(error))
    return LedgerError(f"{path}: cannot be written: {why}; free some space or set PARTBENCH_HOME")


def write_json(path: Path, tree: Any) -> None:
    """`write_whole` of a tree as JSON, keys in their own order."""
    write_whole(path, json.dumps(tree, indent=1, allow_nan=False) + "\n")


@contextmanager
def held(path: Path, what: str, *, wait: bool = False) -> Iterator[Lease]:
    """Hold `path` against every other process while the block runs; a dead holder's is taken over.

    Raises BusyError at once where another process holds it, or waits for it if `wait`;
    LedgerError where the file cannot be made.
    """
    try:
        lease = take(path)
        while lease is None and wait:
            time.sleep(POLL_SECONDS)
            lease = take(path)
    except OSError as error:
        raise cannot_write(path, error) from error
    if lease is None:
        raise BusyError(f"{what} is already running in another process; wait for it")
    try:
        yield lease
    finally:
        lease.release()

"""Where partbench keeps what it makes for itself: caches, the ledger, machine profiles."""

import os
from pathlib import Path

from partbench.core.errors import LedgerError


def home() -> Path:
    """`$PARTBENCH_HOME`, else `$XDG_DATA_HOME/partbench`, else `~/.local/share/partbench`.

    Created where it is missing; LedgerError where it cannot be.
    """
    chosen = os.environ.get("PARTBENCH_HOME")
    shared = os.environ.get("XDG_DATA_HOME")
    try:
        if chosen:
            folder = Path(chosen).expanduser().absolute()
        elif shared and Path(shared).is_absolute():  # the XDG standard ignores relative paths
            folder = Path(shared) / "partbench"
        else:
            folder = Path.home() / ".local" / "share" / "partbench"
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise LedgerError(
            f"home folder: cannot be made ({reason}); set PARTBENCH_HOME to one you may write to"
        ) from None
    return folder

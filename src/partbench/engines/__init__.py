"""Engines run cells and know nothing of what a cell is: a folder with a spec goes in, a record
comes out. Each starts `partbench cell` or long-lived workers of the same code."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

Event = dict[str, Any]
"""{"event": "step" | "done", "folder": ..., ...}; a done event has a `status`: that of the record,
"dead" where the worker died twice without writing one (`code` is its exit code), or "busy" where
another study is at the cell (an engine may also wait for its record). `found`, if given: the record
was there already, by another study."""


class Engine(Protocol):
    """Runs the cells of folders somewhere, as often as asked, until it is closed."""

    log: Path
    """The folder of its workers' messages."""

    def __enter__(self) -> "Engine":
        """Get ready."""

    def __exit__(self, *reason: object) -> None:
        """End all workers; each saves a checkpoint first."""

    def run(
        self,
        folders: Iterable[Path],
        tell: Callable[[Event], None],
        until: Callable[[], bool] = lambda: False,
    ) -> None:
        """Run every folder's cell; `tell` hears each event. Stops early where `until` says so."""

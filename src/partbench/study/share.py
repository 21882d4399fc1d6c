"""A study beside others on one ledger: no cell is trained twice, and no worker waits idly.

Cells that a live other study is at come last: the rest is run first, then their records are waited
for. Where the other study dies, its leases end and its cells are trained here.
"""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from partbench.core import cell as names
from partbench.core import lease
from partbench.engines import Engine, Event
from partbench.study.ledger import Ledger
from partbench.study.plan import Job

POLL_SECONDS = 1.0


def run(
    engine: Engine,
    ledger: Ledger,
    folders: Mapping[Path, Job],
    tell: Callable[[Event], None],
    until: Callable[[], bool],
) -> list[str]:
    """Every folder's cell, run by `engine` or by another study; `tell` hears each end once.

    Returns the ids of those that another study has trained meanwhile.
    """
    waiting = dict(folders)
    theirs: list[str] = []

    def hear(event: Event) -> None:
        if event["event"] == "done":
            if event["status"] == "busy":
                return
            job = waiting.pop(Path(event["folder"]), None)
            if job is not None and event.get("found"):
                theirs.append(job.cell.id)
        tell(event)

    said = 0
    while waiting and not until():
        taken = [folder for folder in waiting if lease.seen(folder / names.LOCK)]
        for folder in [folder for folder in waiting if folder not in taken]:
            _found(ledger, folder, waiting[folder], hear)
        free = [folder for folder in waiting if folder not in taken]
        if free:
            engine.run(free, hear, until)
        elif waiting:
            if len(waiting) != said:
                said = len(waiting)
                tell({"event": "waiting", "cells": said})
            time.sleep(POLL_SECONDS)
    return theirs


def _found(ledger: Ledger, folder: Path, job: Job, hear: Callable[[Event], None]) -> None:
    """Tell of a record that somebody else has written since we asked."""
    record: dict[str, Any] | None = ledger.record(job.cell)
    if record is not None:
        event = {"event": "done", "folder": str(folder), "id": job.cell.id}
        hear(event | {"status": record["status"], "found": True})

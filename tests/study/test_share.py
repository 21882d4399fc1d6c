"""Studies beside each other on one ledger: no cell twice, nobody waits while there is work."""

import dataclasses
import json
import os
import time
from pathlib import Path

import pytest
from tests.study.small import Here, Quiet, drive, swaps

from partbench.core.cell import LOCK, RECORD
from partbench.core.lease import STALE_SECONDS, Holder, seen, take
from partbench.study import share
from partbench.study.ledger import Ledger
from partbench.study.plan import jobs_until
from partbench.train.record import run_cell

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr(share, "POLL_SECONDS", 0.0)


def hold_elsewhere(folder: Path) -> Path:
    """A lease on a cell by a process of another machine."""
    folder.mkdir(parents=True, exist_ok=True)
    holder = dataclasses.replace(Holder.me(), host="other", machine="another boot")
    lease = folder / f"{LOCK}.1"
    lease.write_text(json.dumps(dataclasses.asdict(holder)))
    return lease


def test_cells_of_another_study_come_last_and_are_not_trained_here(text, here, tmp_path):
    study, ledger = swaps(text, "ffn=swiglu", looks=[2]), Ledger()
    jobs = jobs_until(study, 0, list(study.arms))
    theirs = ledger.folder(jobs[0].cell)
    lease = hold_elsewhere(theirs)

    def other_study(event):
        """It ends its cell while this one waits."""
        if event["event"] == "waiting":
            assert event["cells"] == 1
            assert len(here.ran) == len(jobs) - 1
            lease.unlink()
            run_cell(jobs[0].cell, theirs)

    class Listener(Quiet):
        def progressed(self, event):
            super().progressed(event)
            other_study(event)

    listener = Listener()
    report = drive(study, tmp_path / "study", listener)
    assert theirs not in here.ran
    assert len(here.ran) == len(jobs) - 1
    assert report["status"] == "complete"
    assert report["totals"]["cells"] == len(jobs)
    assert report["totals"]["cells_reused"] == 1, "it was paid for by the other study"
    assert report["totals"] == drive(study, tmp_path / "study")["totals"]
    assert [said for said in listener.heard if said[0] == "done"] == len(jobs) * [
        ("done", "finished")
    ]


def test_the_cells_of_a_study_that_died_are_trained_here(text, here, tmp_path):
    study, ledger = swaps(text, "ffn=swiglu", looks=[2]), Ledger()
    folder = ledger.folder(study.cell(study.base, 1))
    lease = hold_elsewhere(folder)

    class Listener(Quiet):
        def progressed(self, event):
            super().progressed(event)
            if event["event"] == "waiting":
                os.utime(lease, (time.time() - 2 * STALE_SECONDS,) * 2)

    report = drive(study, tmp_path / "study", Listener())
    assert folder == here.ran[-1]
    assert report["status"] == "complete"
    assert not lease.exists()


def test_a_cell_that_turns_out_busy_is_asked_for_again(text, here, tmp_path, monkeypatch):
    """Another study takes it between our look and our worker's."""
    study, ledger = swaps(text, "ffn=swiglu", looks=[2]), Ledger()
    first = ledger.folder(study.cell(study.base, 1))
    tries = []

    def run(self, folders, tell, until=lambda: False):
        for folder in folders:
            tries.append(folder)
            if tries == [first]:
                tell({"event": "done", "folder": str(folder), "id": "", "status": "busy"})
            else:
                Here.run(self, [folder], tell, until)

    monkeypatch.setattr("tests.study.small.Here", type("Busy", (Here,), {"run": run}))
    listener = Quiet()
    report = drive(study, tmp_path / "study", listener)
    assert tries.count(first) == 2
    assert ("done", "busy") not in listener.heard
    assert len(tries) == len(set(tries)) + 1
    assert report["status"] == "complete"


def test_a_study_that_waits_can_be_stopped(text, here, tmp_path):
    study, ledger = swaps(text, "ffn=swiglu", looks=[2]), Ledger()
    jobs = jobs_until(study, 0, list(study.arms))[:1]
    folder = ledger.folder(jobs[0].cell)
    hold_elsewhere(folder)
    told, asked = [], []

    def until():
        asked.append(True)
        return len(asked) > 3

    share.run(Here(tmp_path), ledger, {folder: jobs[0]}, told.append, until)
    assert told == [{"event": "waiting", "cells": 1}]
    assert here.ran == []


def test_who_lost_his_cell_writes_no_record(text, tmp_path):
    """A machine that slept: another took over meanwhile, and the sleeper must not interfere."""
    from partbench.train.loop import Stopped

    study, ledger = swaps(text, "ffn=swiglu"), Ledger()
    run = study.cell(study.base, 1)
    folder = ledger.prepare(run)

    def lose(step, steps, loss):
        if step == 3:
            hold_elsewhere(folder).rename(folder / f"{LOCK}.2")
        return False

    with pytest.raises(Stopped):
        run_cell(run, folder, lose)
    assert not (folder / RECORD).exists()
    assert seen(folder / LOCK) is not None
    (folder / f"{LOCK}.2").unlink()
    assert run_cell(run, folder)["status"] == "finished"


def test_a_worker_does_not_wait_for_a_cell_that_is_taken(text):
    from partbench.core.errors import BusyError

    study = swaps(text, "ffn=swiglu")
    run = study.cell(study.base, 1)
    folder = Ledger().prepare(run)
    mine = take(folder / LOCK)
    with pytest.raises(BusyError, match="already running in another process"):
        run_cell(run, folder, wait=False)
    mine.release()
    assert run_cell(run, folder, wait=False)["status"] == "finished"

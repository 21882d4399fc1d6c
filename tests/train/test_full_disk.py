"""A full disk: one line, nothing half-written, and the run goes on once there is room."""

import errno
import os
import tempfile
from pathlib import Path

import pytest
from tests.train.tiny import cell, outcome

from partbench.core.cell import CHECKPOINT, METRICS, RECORD, WEIGHTS
from partbench.core.errors import LedgerError
from partbench.train import loop
from partbench.train.loop import Stopped
from partbench.train.metrics import Metrics
from partbench.train.record import run_cell

FULL = Path("/dev/full")

pytestmark = pytest.mark.slow


def fill_the_disk(monkeypatch: pytest.MonkeyPatch, call: str, name: str) -> None:
    """From now on `call` fails for files called `name`, as it does when the disk is full."""
    owner = {"mkstemp": tempfile, "fsync": os, "replace": os}[call]
    genuine = getattr(owner, call)

    def fails(*arguments, **settings):
        if call == "fsync":
            meant = os.readlink(f"/proc/self/fd/{arguments[0]}")
        else:
            meant = settings.get("prefix") or str(arguments[0])
        if f".{name}." in meant:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return genuine(*arguments, **settings)

    monkeypatch.setattr(owner, call, fails)


@pytest.mark.parametrize(
    ("name", "call"),
    [
        (RECORD, "fsync"),
        (RECORD, "replace"),
        (WEIGHTS, "mkstemp"),
        (CHECKPOINT, "fsync"),
        (CHECKPOINT, "replace"),
        (METRICS, "mkstemp"),
    ],
)
def test_a_full_disk_is_one_line_and_the_run_goes_on_later(name, call, text, tmp_path, monkeypatch):
    run = cell(text)
    run_cell(run, tmp_path / "whole")
    with monkeypatch.context() as full:
        full.setattr(loop, "CHECKPOINT_SECONDS", -1.0)
        fill_the_disk(full, call, name)
        with pytest.raises(LedgerError, match=f"{name}: cannot be written: the disk is full") as no:
            run_cell(run, tmp_path / "full")
    assert "\n" not in str(no.value)
    left = {path.name for path in (tmp_path / "full").iterdir()}
    assert name not in left
    assert RECORD not in left
    assert not [other for other in left if other.startswith(".")], left
    run_cell(run, tmp_path / "full")
    assert outcome(tmp_path / "full") == outcome(tmp_path / "whole")


def test_a_failed_write_leaves_the_older_file_whole(text, tmp_path, monkeypatch):
    run = cell(text)
    with pytest.raises(Stopped):
        run_cell(run, tmp_path, lambda step, steps, loss: step == 3)
    before = (tmp_path / CHECKPOINT).read_bytes()
    with monkeypatch.context() as full:
        fill_the_disk(full, "fsync", CHECKPOINT)
        with pytest.raises(LedgerError):
            run_cell(run, tmp_path, lambda step, steps, loss: step == 4)
    assert (tmp_path / CHECKPOINT).read_bytes() == before


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
def test_a_metrics_line_that_does_not_fit_is_one_line(tmp_path):
    metrics = Metrics(tmp_path / METRICS, 0)
    metrics.add(step=0, loss=1.0)
    metrics.path = FULL
    with pytest.raises(LedgerError, match="the disk is full"):
        metrics.flush()

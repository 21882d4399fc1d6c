"""Peak memory of work whose need is known."""

import sys

import numpy as np
import pytest

from partbench.measure import memory

MEGABYTES = 1 << 20
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def hold(megabytes):
    return np.ones(megabytes * MEGABYTES, dtype=np.uint8)


@linux
def test_the_peak_is_what_the_work_held_at_once():
    kept = hold(64)  # there before, so not counted

    def work():
        hold(64)
        hold(96)

    peak = memory.peak_bytes(work)
    assert 90 * MEGABYTES < peak < 130 * MEGABYTES
    assert kept.nbytes == 64 * MEGABYTES


@linux
def test_an_earlier_peak_is_forgotten():
    hold(256)
    assert memory.peak_bytes(lambda: hold(16)) < 64 * MEGABYTES


def test_where_the_mark_cannot_be_reset_the_highest_so_far_counts(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "CLEAR", tmp_path / "no" / "clear_refs")
    before = memory._highest_so_far()
    grown = memory.peak_bytes(lambda: hold(8))
    assert grown == memory._highest_so_far() - before


def test_the_highest_so_far_is_in_bytes():
    assert memory._highest_so_far() > 10 * MEGABYTES

"""Peak memory of work whose need is known, each in a fresh process: old heaps hide new needs."""

import subprocess
import sys

import pytest

from partbench.measure import memory

MEGABYTES = 1 << 20
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")

HOLD = """
from partbench.measure import memory
def hold(megabytes):
    return bytearray(b"x") * (megabytes << 20)
"""


def peak_in_fresh_process(program):
    done = subprocess.run(
        [sys.executable, "-c", HOLD + program], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@linux
def test_the_peak_is_what_the_work_held_at_once():
    program = """
kept = hold(64)  # there before, so not counted
def work():
    hold(48)  # gone again before the next
    hold(96)
print(memory.peak_bytes(work))
"""
    assert 90 * MEGABYTES < peak_in_fresh_process(program) < 130 * MEGABYTES


@linux
def test_an_earlier_peak_is_forgotten():
    program = "hold(256)\nprint(memory.peak_bytes(lambda: hold(16)))"
    assert 12 * MEGABYTES < peak_in_fresh_process(program) < 64 * MEGABYTES


def test_where_the_mark_cannot_be_reset_the_highest_so_far_counts(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "CLEAR", tmp_path / "no" / "clear_refs")
    before = memory.highest_so_far()
    grown = memory.peak_bytes(lambda: bytearray(b"x") * (8 * MEGABYTES))
    assert grown == memory.highest_so_far() - before


def test_the_highest_so_far_is_in_bytes():
    assert memory.highest_so_far() > 10 * MEGABYTES

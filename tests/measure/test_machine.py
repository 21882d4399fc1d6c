"""The machine's profile: kept, noticed as stale, and what is chosen from it."""

import json
import subprocess
import sys

import pytest

from partbench.measure import machine


def row(precision, attention, processes, threads, steps_per_second):
    return {
        "precision": precision,
        "attention": attention,
        "processes": processes,
        "threads": threads,
        "steps_per_second": steps_per_second,
    }


def paths(precision, context, fused, explicit, threads=1):
    return {
        "precision": precision,
        "context": context,
        "threads": threads,
        "fused": fused,
        "explicit": explicit,
        "better": "fused" if fused <= explicit else "explicit",
    }


def profile(steps, attention=(), memory_bytes=1 << 35):
    content = machine.profile({"steps": steps, "attention": list(attention)})
    content["description"]["memory_bytes"] = memory_bytes
    return content


@pytest.fixture(autouse=True)
def two_cores(monkeypatch):
    monkeypatch.setattr(machine, "cores", lambda: [0, 1])


SIDE_BY_SIDE = [
    row("float32", "fused", 1, 1, 10.0),
    row("float32", "fused", 2, 1, 19.0),
    row("float32", "fused", 1, 2, 14.0),
    row("bfloat16", "explicit", 1, 1, 15.0),
    row("bfloat16", "explicit", 2, 1, 28.0),
    row("bfloat16", "explicit", 1, 2, 20.0),
]
ATTENTION = [
    paths("bfloat16", 64, fused=4.0, explicit=1.0),
    paths("bfloat16", 1024, fused=1.0, explicit=2.0),
    paths("float32", 64, fused=1.0, explicit=1.2),
    paths("float32", 1024, fused=1.0, explicit=3.0),
]


def test_the_faster_precision_path_and_way_are_chosen():
    choice = machine.choose(profile(SIDE_BY_SIDE, ATTENTION), 64)
    assert choice.workers == 2
    assert (choice.numerics.precision, choice.numerics.attention) == ("bfloat16", "explicit")
    assert choice.numerics.threads == 1
    assert len(choice.reasons) == 3


@pytest.mark.parametrize(("context", "path"), [(128, "explicit"), (512, "fused"), (9999, "fused")])
def test_the_path_is_that_of_the_nearest_context(context, path):
    assert machine.choose(profile(SIDE_BY_SIDE, ATTENTION), context).numerics.attention == path


def test_a_precision_that_was_asked_for_is_kept():
    choice = machine.choose(profile(SIDE_BY_SIDE, ATTENTION), 64, precision="float64")
    assert (choice.numerics.precision, choice.numerics.attention) == ("float64", "fused")


def test_a_small_gain_does_not_buy_bfloat16():
    steps = [row("float32", "fused", 1, 1, 10.0), row("bfloat16", "explicit", 1, 1, 10.9)]
    assert machine.choose(profile(steps, ATTENTION), 64).numerics.precision == "float32"


def test_two_threads_on_one_cell_where_they_are_faster():
    steps = [
        row("float32", "fused", 2, 1, 10.0),
        row("float32", "fused", 1, 2, 12.0),
        row("bfloat16", "fused", 2, 1, 10.0),
        row("bfloat16", "fused", 1, 2, 12.0),
    ]
    choice = machine.choose(profile(steps, ATTENTION), 64)
    assert (choice.workers, choice.numerics.threads) == (1, 2)


def test_memory_bounds_the_workers():
    choice = machine.choose(profile(SIDE_BY_SIDE, ATTENTION, memory_bytes=1 << 30), 64)
    assert choice.workers == 1


def test_without_a_profile_plain_defaults_stand():
    choice = machine.choose(None, 64)
    assert choice.numerics.precision == "float32"
    assert choice.numerics.attention == "fused"
    assert "doctor" in choice.reasons[0]


def test_a_profile_comes_back_as_it_was_written(tmp_path):
    content = profile(SIDE_BY_SIDE, ATTENTION)
    path = machine.write(content, tmp_path / "machine.json")
    assert machine.read(path) == content


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"schema": 0}', '{"schema": 1}'])
def test_a_damaged_profile_is_none(tmp_path, text):
    path = tmp_path / "machine.json"
    path.write_text(text)
    assert machine.read(path) is None
    assert machine.read(tmp_path / "absent.json") is None


def test_another_machine_or_torch_is_noticed(monkeypatch):
    content = profile(SIDE_BY_SIDE)
    assert machine.stale(content) == []
    here = machine.describe()
    monkeypatch.setattr(machine, "describe", lambda: {**here, "torch": "9.0", "memory_bytes": 1})
    assert machine.stale(content) == [f"torch was {here['torch']}, is 9.0"]
    content["key"] = "0" * 16
    assert machine.stale({**content, "description": here | {"torch": "9.0"}})


def test_the_description_can_be_kept_and_read():
    here = machine.describe()
    assert json.loads(json.dumps(here)) == here
    assert here["cores"] >= 1
    assert here["memory_bytes"] > 1 << 20
    assert here["processor"]
    assert here["torch"]


def test_choosing_needs_no_torch():
    program = (
        "import sys; from partbench.measure import doctor, kernels, machine, timing, workers, "
        "memory; machine.choose(None, 64); machine.describe(); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)

"""Measuring costs, with processes that do as they are told: an arm that cannot take a step costs
the others nothing, a configuration that cannot be built ends the study before it began."""

import json
import shlex
import sys

import pytest
from tests.study.small import Here, Quiet, no_page, swaps

from partbench.core.errors import InputError
from partbench.study import costs
from partbench.study.ledger import Ledger
from partbench.study.run import Driver, Interrupted

PYTHON = shlex.quote(sys.executable)  # before a test puts a script in its place
FAKE = """
import json, sys
what, *specs = sys.argv[sys.argv.index("worker") + 1:]
parts = [json.load(open(spec))["config"]["model"]["ffn"]["part"] for spec in specs]
open("asked", "a").write(what + " " + " ".join(parts) + "\\n")
if what == "--memory":
    if parts[0] == "swiglu":
        SWIGLU
    print(json.dumps({"parameters": {"read": 5}, "peak_memory_bytes": 7}))
else:
    rows = [{"seconds_per_step": n + 1.0, "ratio": n} for n in range(len(specs))]
    print(json.dumps({"cells": rows}))
"""


@pytest.fixture
def measuring(tmp_path, monkeypatch):
    """Costs come from a script; say what it does for the arm with swiglu."""

    def use(swiglu: str) -> None:
        script, shell = tmp_path / "fake.py", tmp_path / "python"
        script.write_text(FAKE.replace("SWIGLU", swiglu))
        shell.write_text(f'#!/bin/sh\nexec {PYTHON} -S -E {script} "$@"\n')
        shell.chmod(0o755)
        monkeypatch.setattr(costs.sys, "executable", str(shell))

    return use


@pytest.fixture
def study(text):
    """Two arms, one of which may be trouble."""
    return swaps(text, "ffn=swiglu", "ffn=relu_squared")


def test_costs_are_measured_once_and_remembered(measuring, study, tmp_path):
    measuring("pass")
    found = costs.measure(study, tmp_path / "study")
    assert list(found) == ["base", "ffn=swiglu", "ffn=relu_squared"]
    assert [row["seconds_per_step"] for row in found.values()] == [1.0, 2.0, 3.0]
    assert {row["peak_memory_bytes"] for row in found.values()} == {7}
    (tmp_path / "work" / "asked").unlink()
    assert costs.measure(study, tmp_path / "study") == found
    assert not (tmp_path / "work" / "asked").exists()


@pytest.mark.parametrize("damage", ["", "{", "\0"])
def test_damaged_costs_are_measured_again(damage, measuring, study, tmp_path):
    measuring("pass")
    found = costs.measure(study, tmp_path / "study")
    (tmp_path / "study" / "costs.json").write_text(damage)
    assert costs.measure(study, tmp_path / "study") == found


def test_an_arm_that_cannot_take_a_step_costs_the_others_nothing(measuring, study, tmp_path):
    measuring("raise ValueError('no step')")
    found = costs.measure(study, tmp_path / "study")
    assert found["ffn=swiglu"] == {"reason": "exit code 1: ValueError: no step"}
    assert found["ffn=relu_squared"]["ratio"] == 1
    assert "--time mlp relu_squared" in (tmp_path / "work" / "asked").read_text()
    measuring("pass")  # it was not remembered: the next run measures it
    assert costs.measure(study, tmp_path / "study")["ffn=swiglu"]["seconds_per_step"] == 2.0


def test_a_configuration_that_cannot_be_built_leaves_nothing(measuring, study, tmp_path, here):
    measuring("sys.exit(print('partbench: ffn: no such width', file=sys.stderr) or 2)")
    driver = Driver(study, tmp_path / "study", Ledger(), Here, Quiet())
    with pytest.raises(InputError, match=r"^ffn: no such width$"):
        driver.run(no_page)
    assert not (tmp_path / "study").exists()
    assert not here.ran


def test_a_study_that_had_begun_is_kept_whatever_costs_say(measuring, study, tmp_path, here):
    measuring("sys.exit(print('partbench: no', file=sys.stderr) or 2)")
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "notes.txt").write_text("mine")
    with pytest.raises(InputError):
        Driver(study, tmp_path / "study", Ledger(), Here, Quiet()).run(no_page)
    assert (tmp_path / "study" / "notes.txt").read_text() == "mine"


def test_a_stop_while_costs_are_measured_is_no_failure(measuring, study, tmp_path, here):
    """Ctrl-C in a terminal ends the measuring processes too."""
    measuring("sys.exit(130)")
    driver = Driver(study, tmp_path / "study", Ledger(), Here, Quiet())
    driver.stopped = True
    with pytest.raises(Interrupted):
        driver.run(no_page)
    assert not (tmp_path / "study" / "costs.json").exists()
    assert json.loads((tmp_path / "study" / "study.json").read_text())["id"] == study.id
    assert not here.ran

"""kill -9 at any instant of a cell: it ends with the weights and record of an undisturbed run."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.train.tiny import cell, outcome

from partbench.train.record import run_cell

SCRIPT = Path(__file__).with_name("killing.py")
pytestmark = pytest.mark.slow


@pytest.mark.parametrize("mode", ["operations", "instants"])
@pytest.mark.parametrize("residual", ["pre_norm", "hyper_connections"])
def test_a_cell_killed_again_and_again_ends_as_if_it_never_was(residual, mode, text, tmp_path):
    run = cell(text, residual=residual, train__steps=12 if mode == "operations" else 200)
    run_cell(run, tmp_path / "whole")
    (tmp_path / "spec.json").write_text(run.to_json())
    words = [sys.executable, "-P", str(SCRIPT), str(tmp_path / "spec.json"), str(tmp_path / "cut")]
    told = subprocess.run([*words, mode], capture_output=True, text=True, check=True)
    counts = json.loads(told.stdout)
    assert counts["killed"] > 5
    assert counts["taken_up"] > 2
    whole, cut = outcome(tmp_path / "whole"), outcome(tmp_path / "cut")
    cut["files"] = [name for name in cut["files"] if not name.startswith(".spec.json.")]
    assert cut == whole

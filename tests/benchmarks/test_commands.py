"""Every benchmark at its smallest: it runs and says finite figures. No clock decides."""

import json
import math
import os
import subprocess
import sys

import pytest
from tests.structure.tree import ROOT

SMALLEST = {
    "train_step": ["--shape", "tiny", "--context", "32", "--steps", "1", "--threads", "1",
                   "--peers", "x_transformers"],
    "step_profile": ["--shape", "tiny", "--threads", "1", "--steps", "2"],
    "small_cells": ["--shape", "tiny", "--precision", "float32", "--rounds", "2", "--steps", "1",
                    "--starts", "1"],
    "memory": ["--shape", "tiny", "--precision", "float32", "--times", "1", "--threads", "1",
               "--peers", "--vocab", "50257", "--tokens", "700"],
    "decoding": ["--shape", "tiny", "--batch", "2", "--prompt", "4", "--tokens", "4", "--rounds",
                 "2", "--steps", "1", "--threads", "1", "--longest", "128"],
    "overhead": ["--only", "help", "plan", "--times", "1", "--cells", "40", "--arms", "3"],
    "verdicts": ["--times", "1", "--studies", "20"],
    "scale": ["--only", "parameters", "cells", "corpus", "--most-parameters", "3e5",
              "--most-cells", "10", "--most-bytes", "2e6", "--steps", "2", "--threads", "1"],
}  # fmt: skip


QUICK = ("verdicts",)
"""What CI has time for."""


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [pytest.param(one, marks=[] if one in QUICK else pytest.mark.long) for one in SMALLEST]
)
def test_it_runs_and_says_figures(name, tmp_path):
    command = [sys.executable, str(ROOT / "benchmarks" / f"{name}.py"), *SMALLEST[name], "--json"]
    command += ["--out", str(tmp_path / "picture.svg")]
    home = {"PARTBENCH_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **home}
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["machine"]["cores"] >= 1
    assert answer["lines"]
    for line in answer["lines"]:
        assert math.isfinite(line["value"]), line["what"]
    assert (tmp_path / "picture.svg").read_text().startswith("<svg")
    if name == "memory":
        chunk = next(line for line in answer["lines"] if line["what"].startswith("largest"))
        assert chunk["met"]
    if name == "decoding":
        assert "100 % of tokens alike" in answer["lines"][0]["said"]


@pytest.mark.parametrize("script", sorted((ROOT / "benchmarks").glob("*.py")), ids=lambda p: p.stem)
def test_no_benchmark_hides_a_module_of_pythons_own(script):
    """A script's folder comes first on the path: `statistics.py` there would break everything."""
    assert script.stem not in sys.stdlib_module_names

"""What a study will take is said before it runs, and what cannot fit is refused with advice."""

import json
import subprocess
import sys
from types import SimpleNamespace

import pytest

from partbench.core.errors import ConfigError
from partbench.measure import machine
from partbench.study import foresight

GIB = 1 << 30
TRAIN = {"batch": 16, "accumulate": 1}


def job(**train) -> SimpleNamespace:
    cell = SimpleNamespace(config={"train": {**TRAIN, **train}}, arm="ab")
    return SimpleNamespace(arm="wide", cell=cell)


def weighed(gib: float, state: float = 0.1) -> dict:
    return {"peak_bytes": round(gib * GIB), "checkpoint": round(state * GIB), "resident": GIB // 4}


def test_workers_that_fit_together_are_let_pass():
    foresight.fit(None, job(), weighed(1), 2 * GIB, 2, 8 * GIB)


def test_too_many_workers_are_told_how_many_would_fit():
    with pytest.raises(ConfigError, match=r"4 workers of 3\.0 GiB .* 2 at a time would fit"):
        foresight.fit(None, job(), weighed(2), 3 * GIB, 4, 8 * GIB)


def test_one_that_is_too_large_alone_is_told_to_go_in_pieces():
    with pytest.raises(ConfigError, match=r"a cell of wide needs about 20\.0 GiB of 8\.0 GiB") as e:
        foresight.fit(None, job(), weighed(20), 20 * GIB, 1, 8 * GIB)
    assert "train.accumulate=" in str(e.value)
    assert "\n" not in str(e.value)


def test_weights_that_are_too_large_cannot_be_cut():
    found = machine.too_large("a cell", weighed(20, state=18), 8 * GIB, TRAIN)
    assert "dims.width" in found


def test_a_full_disk_is_said_before_the_first_cell(tmp_path):
    ledger = SimpleNamespace(root=tmp_path)
    foresight.enough(5, 10, ledger)
    with pytest.raises(ConfigError, match=r"disk: .* 2\.0 GiB .* 1\.0 GiB free.*PARTBENCH_HOME"):
        foresight.enough(2 * GIB, GIB, ledger)
    assert foresight.free_bytes(tmp_path / "not" / "there") > 0


def test_a_cells_seconds_are_its_parts():
    run = {"rest": 1.0, "fit": 0.5, "step": 0.01, "evaluation": 0.25}
    assert foresight.seconds_of(job(steps=100, evaluations=2), run) == pytest.approx(3.0)


TINY = """
question = "Tiny?"
looks = [2]
margin = 0.5
[set]
dims.depth = 1
dims.width = 16
dims.context = 8
task.folds = 4
task.evaluation_tokens = 64
train.steps = 20
[arms.swiglu]
model.ffn = "swiglu"
"""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_study_is_foreseen_from_the_command_line(tmp_path, monkeypatch):
    monkeypatch.setenv("PARTBENCH_HOME", str(tmp_path / "home"))
    (tmp_path / "tiny.toml").write_text(TINY)
    steps = [
        {"precision": "float32", "attention": "fused", "processes": 1, "threads": 1,
         "seconds": 0.01, "steps_per_second": 100.0}
    ]  # fmt: skip
    attention = [{"precision": "float32", "context": 64, "threads": 1, "fused": 1.0,
                  "explicit": 2.0, "better": "fused"}]  # fmt: skip
    rows = [*steps, {**steps[0], "precision": "bfloat16"}]
    machine.write(machine.profile({"steps": rows, "attention": attention}))
    command = [sys.executable, "-m", "partbench", "doctor", "--study", str(tmp_path / "tiny.toml")]
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["cells"] > 4
    assert found["known"] == 0
    assert found["note"] == ""
    assert 0 < found["seconds"] < 3600
    assert 100 << 20 < found["worker_bytes"] < found["memory_bytes"] < 4 * GIB
    huge = TINY.replace("dims.width = 16", "dims.width = 262144")
    (tmp_path / "tiny.toml").write_text(huge)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stdout
    assert len(done.stderr.strip().splitlines()) == 1
    assert "dims.width" in done.stderr

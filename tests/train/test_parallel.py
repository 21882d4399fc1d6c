"""Several ranks train one cell: two processes equal one, whatever is swapped in."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.train.test_worker import hear, prepared, worker
from tests.train.tiny import cell, outcome, text_file

from partbench.core.cell import CHECKPOINT, METRICS, RECORD, SPEC, Cell
from partbench.core.errors import ConfigError
from partbench.core.numerics import Numerics
from partbench.data.batch import Batch
from partbench.train.loop import Stopped
from partbench.train.parallel import Ranks, joined
from partbench.train.record import run_cell

OUTSIDE = Path(__file__).with_name("outside_parts.py")
PARTS = Path(__file__).with_name("rank_parts.py")
pytestmark = pytest.mark.timeout(300)
TORCHRUN = [sys.executable, "-P", "-m", "torch.distributed.run", "--standalone"]
TORCHRUN += ["--nproc-per-node", "2"]
KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "bfloat16": {"precision": "bfloat16"},
    "dropout": {"ffn": f"{OUTSIDE}:Dropping"},
    "counting": {"ffn": f"{PARTS}:Counting"},
    "fit then train": {"model": f"{OUTSIDE}:FitThenTrain"},
    "hyper_connections": {"residual": "hyper_connections"},
    "diverged": {"optimizer__rate": 1e30, "train__clip": 0.0},
}
SHARDED = {
    "plain": {},
    "tied": {"head": "tied", "residual": "hyper_connections"},
    "clipped": {"train__clip": 0.01, "train__accumulate": 2},
}


def ranked(run: Cell, **numerics: Any) -> Cell:
    """The same cell with other numerics."""
    return dataclasses.replace(run, numerics={**run.numerics, **numerics})


def torchrun(*words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Two processes of a script or module."""
    return subprocess.run(
        [*TORCHRUN, *words], capture_output=True, text=True, timeout=250,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
    )  # fmt: skip


def on_two(*words: str) -> None:
    """Cells in one pair of processes; see two_ranks.py."""
    done = torchrun(str(Path(__file__).with_name("two_ranks.py")), *words)
    assert done.returncode == 0, done.stderr


def apart(one: Path, other: Path) -> float:
    """The largest relative difference of two cells' losses and scores."""
    numbers = []
    for folder in (one, other):
        rows = [json.loads(line) for line in (folder / METRICS).read_text().splitlines()]
        losses = [row["loss"] for row in rows]
        numbers.append([*losses, json.loads((folder / RECORD).read_text())["score"]])
    return max(abs(a / b - 1) for a, b in zip(*numbers, strict=True))


def without_processes(found: dict[str, Any]) -> dict[str, Any]:
    record = {k: v for k, v in found["record"].items() if k != "processes"}
    return {**found, "record": record}


def test_one_rank_is_what_it_was_before_there_were_ranks():
    assert Numerics().tree == {
        "precision": "float32", "attention": "fused", "threads": 1, "device": "cpu",
    }  # fmt: skip
    assert Numerics(ranks=2).tree["ranks"] == 2
    assert Numerics(**Numerics(ranks=2, sharding="full").tree).sharding == "full"


def test_shares_are_rows_in_order_whoever_takes_them():
    rows = torch.arange(24).view(8, 3)
    batch = Batch(rows, rows + 1, torch.ones(8, 3))
    numerics = Numerics(ranks=4)
    one = [share for _, share in Ranks(numerics).cut(batch)]
    two = [s for rank in range(2) for s in Ranks(numerics, rank, 2).cut(batch)]
    assert [number for number, _ in two] == [0, 1, 2, 3]
    for mine, (_, theirs) in zip(one, two, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(mine, theirs, strict=True))
    assert torch.equal(torch.cat([share.inputs for share in one]), rows)


@pytest.mark.parametrize(("ranks", "accumulate"), [(3, 1), (8, 4), (2, 8)])
def test_a_batch_that_cannot_be_shared_is_refused(ranks, accumulate):
    with pytest.raises(ConfigError, match="the nearest that can is"):
        Numerics(ranks=ranks).check_batch(20, accumulate)


def test_ranks_below_one_are_refused():
    with pytest.raises(ConfigError, match="ranks: 0"):
        Numerics(ranks=0)


def test_processes_that_do_not_divide_the_ranks_are_refused(monkeypatch):
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "a test")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ConfigError, match="--ranks 2"), joined(Numerics()):
        pass


@pytest.mark.parametrize("edits", [{}, {"train__accumulate": 2}, {"train__clip": 0.01}])
@pytest.mark.parametrize(("precision", "equal"), [("float32", 1e-6), ("float64", 1e-13)])
def test_two_shares_equal_the_whole_batch(precision, equal, edits, text, tmp_path):
    run = cell(text, precision=precision, **edits)
    run_cell(run, tmp_path / "one")
    run_cell(ranked(run, ranks=2), tmp_path / "two")
    one, two = outcome(tmp_path / "one"), outcome(tmp_path / "two")
    assert apart(tmp_path / "one", tmp_path / "two") <= equal
    assert one["record"]["id"] != two["record"]["id"]


@pytest.fixture(scope="module")
def pairs(tmp_path_factory) -> dict[str, Path]:
    """Each kind on two processes, all in one launch."""
    folder = tmp_path_factory.mktemp("pairs")
    text = text_file(folder)
    made = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PARTBENCH_HOME", str(folder / "home"))
        for kind, edits in KINDS.items():
            made[kind] = prepared(
                folder / kind.replace(" ", "_"), ranked(cell(text, **edits), ranks=2)
            )
        for kind, edits in SHARDED.items():
            run = ranked(cell(text, **edits), ranks=2, sharding="full")
            made[f"sharded {kind}"] = prepared(folder / f"sharded_{kind}", run)
        made["drifting"] = prepared(
            folder / "drifting", ranked(cell(text, ffn=f"{PARTS}:Drifting"), ranks=2)
        )
        on_two(*map(str, made.values()))
    return made


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_two_processes_equal_one_with_both_shares_to_the_bit(kind, pairs, tmp_path):
    two = outcome(pairs[kind])
    status = "diverged" if kind == "diverged" else "finished"
    assert two["record"]["status"] == status, two["record"]["reason"]
    assert two["record"]["processes"] == 2
    run_cell(Cell.read(pairs[kind] / SPEC), tmp_path / "one")
    assert without_processes(outcome(tmp_path / "one")) == without_processes(two)


@pytest.mark.slow
@pytest.mark.parametrize("kind", SHARDED)
def test_a_model_cut_over_two_processes_equals_a_whole_one(kind, pairs, tmp_path):
    """The norm is summed slice by slice, so equal to 1e-6 and not to the bit."""
    folder = pairs[f"sharded {kind}"]
    two = outcome(folder)
    assert two["record"]["status"] == "finished", two["record"]["reason"]
    run_cell(ranked(Cell.read(folder / SPEC), ranks=1, sharding="copies"), tmp_path / "one")
    one = outcome(tmp_path / "one")
    assert apart(tmp_path / "one", folder) <= 1e-6
    assert [row["part"] for row in two["record"]["liveness"]] == [
        row["part"] for row in one["record"]["liveness"]
    ]
    assert all(row["alive"] in (True, None) for row in two["record"]["liveness"])
    assert two["files"] == one["files"]


@pytest.mark.slow
def test_ranks_that_drift_apart_are_found_and_the_part_is_told_what_to_do(pairs):
    record = outcome(pairs["drifting"])["record"]
    assert record["status"] == "failed"
    assert "seen" in record["reason"]
    assert "SUMMED" in record["reason"]


@pytest.mark.slow
@pytest.mark.parametrize("sharding", ["copies", "full"])
def test_a_checkpoint_of_two_processes_goes_on_in_one_and_the_reverse(sharding, text, tmp_path):
    run = ranked(cell(text), ranks=2, sharding=sharding)
    run_cell(run, tmp_path / "whole")
    two, one = (prepared(tmp_path / name, run) for name in ("two", "one"))
    with pytest.raises(Stopped):
        run_cell(run, one, lambda step, steps, loss: step == 3)
    on_two(f"{two}@3", str(one))
    assert (two / CHECKPOINT).exists()
    assert not (two / RECORD).exists()
    run_cell(run, two)
    wanted = outcome(tmp_path / "whole")
    for folder in (one, two):
        found = outcome(folder)
        assert found["files"] == wanted["files"]
        assert apart(folder, tmp_path / "whole") <= 1e-6
        if sharding == "copies":
            assert without_processes(found) == wanted


@pytest.mark.slow
@pytest.mark.parametrize("mood", ["raises", "dies"])
def test_a_rank_that_fails_is_recorded_and_one_that_is_killed_is_not(mood, text, tmp_path):
    folder = prepared(tmp_path / "cell", ranked(cell(text, ffn=f"{PARTS}:Moody"), ranks=2))
    words = ["-m", "partbench", "cell", str(folder / SPEC), "--out", str(folder)]
    done = torchrun(*words, PARTBENCH_TEST_MOOD=mood)
    assert done.returncode != 0
    if mood == "raises":
        record = json.loads((folder / RECORD).read_text())
        assert record["status"] == "failed"
        assert "rank 1: ValueError" in record["reason"]
        assert "not on this rank" in record["reason"]
    else:
        assert not (folder / RECORD).exists()


@pytest.mark.slow
def test_a_worker_starts_torchrun_for_a_cell_of_two_ranks(text, tmp_path):
    run = ranked(cell(text), ranks=2)
    long = prepared(tmp_path / "long", ranked(cell(text, train__steps=100_000), ranks=2))
    process = worker()
    process.stdin.write(f"{prepared(tmp_path / 'cell', run)}\n{long}\n")
    assert hear(process, "done")["status"] == "finished"
    while not (long / METRICS).exists():
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 143
    assert (long / CHECKPOINT).exists()
    assert not (long / RECORD).exists()
    for pipe in (process.stdin, process.stdout, process.stderr):
        pipe.close()

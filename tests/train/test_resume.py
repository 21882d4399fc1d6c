"""A run stopped and taken up again ends like one that was never disturbed, to the bit."""

import json
import math
from pathlib import Path

import pytest
from tests.train.tiny import cell, outcome

from partbench.core.cell import CHECKPOINT, METRICS, RECORD, Cell
from partbench.train import loop
from partbench.train.loop import Stopped
from partbench.train.record import run_cell

OUTSIDE = Path(__file__).with_name("outside_parts.py")
KINDS = {
    "plain": {},
    "accumulated": {"train__accumulate": 4},
    "bfloat16": {"precision": "bfloat16"},
    "hyper_connections": {"residual": "hyper_connections"},
    "dropout": {"ffn": f"{OUTSIDE}:Dropping"},
    "fit then train": {"model": f"{OUTSIDE}:FitThenTrain"},
    "cosine": {"schedule": "cosine", "train__evaluations": 6},
}

pytestmark = pytest.mark.slow


def run_with_stops(run: Cell, folder: Path, stops: list[int]) -> None:
    """Run, stop after each of `stops` steps with a checkpoint, go on, end."""
    for stop in stops:
        with pytest.raises(Stopped):
            run_cell(
                run,
                folder,  # a loss that is no number is told while fitting, which saves nothing
                lambda step, steps, loss, stop=stop: step == stop and not math.isnan(loss),
            )
        assert (folder / CHECKPOINT).exists()
        assert not (folder / RECORD).exists()
    run_cell(run, folder)


@pytest.mark.parametrize(
    ("kind", "stops"),
    [(kind, [2, 3]) for kind in KINDS] + [("plain", [1]), ("plain", [5]), ("accumulated", [1])],
)
def test_a_stopped_run_goes_on_to_the_same_bits(kind, stops, text, tmp_path):
    run = cell(text, **KINDS[kind])
    run_cell(run, tmp_path / "whole")
    run_with_stops(run, tmp_path / "stopped", stops)
    whole, stopped = outcome(tmp_path / "whole"), outcome(tmp_path / "stopped")
    assert whole["record"]["status"] == "finished", whole["record"]["reason"]
    assert stopped == whole
    assert [row["step"] for row in stopped["metrics"]] == list(range(6))


@pytest.mark.parametrize("stop", [2, 5])
def test_a_run_whose_loss_rose_is_diverged_however_often_it_stopped(stop, text, tmp_path):
    run = cell(text, optimizer__rate=30.0, schedule="linear", train__clip=0.0)
    run_cell(run, tmp_path / "whole")
    run_with_stops(run, tmp_path / "stopped", [stop])
    whole, stopped = outcome(tmp_path / "whole"), outcome(tmp_path / "stopped")
    assert whole["record"]["status"] == "diverged"
    assert "rose from" in whole["record"]["reason"]
    assert stopped == whole


def test_a_run_that_hardly_learns_wanders_and_has_not_diverged(text, tmp_path):
    """One that begins at guessing ends a hair above it at some seeds: the next batch is another."""
    rose, cold = [], {"part": "saffu", "start": "cold"}
    for seed in range(8):
        run = cell(text, seed=seed, model=cold, optimizer__rate=1e-12, train__steps=2)
        run_cell(run, tmp_path / f"{seed}")
        found = outcome(tmp_path / f"{seed}")
        assert found["record"]["status"] == "finished", found["record"]["reason"]
        first, second = (row["loss"] for row in found["metrics"])
        rose.append(second > first > math.log(256))
    assert any(rose)


def test_a_counting_model_that_is_stopped_counts_anew(text, tmp_path):
    run = cell(text, model="ngram")
    run_cell(run, tmp_path / "whole")
    with pytest.raises(Stopped):
        run_cell(run, tmp_path / "stopped", lambda step, steps, loss: step == 3)
    run_cell(run, tmp_path / "stopped")
    assert outcome(tmp_path / "stopped") == outcome(tmp_path / "whole")


def test_counts_of_the_fit_phase_come_with_the_checkpoint(text, tmp_path):
    run = cell(text, model=f"{OUTSIDE}:FitThenTrain")
    with pytest.raises(Stopped):
        run_cell(run, tmp_path, lambda step, steps, loss: loss == loss and step == 3)
    again = loop.Run(run, tmp_path)
    again.train()
    assert (again.start, again.model.passes) == (3, 0)


def test_checkpoints_change_no_bit(text, tmp_path, monkeypatch):
    run = cell(text)
    run_cell(run, tmp_path / "without")
    written = []
    write = loop.checkpoint.write
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", -1.0)
    monkeypatch.setattr(
        loop.checkpoint, "write", lambda *a: written.append(a[3]["step"]) or write(*a)
    )
    run_cell(run, tmp_path / "with")
    assert written == [1, 2, 3, 4, 5]
    assert outcome(tmp_path / "with") == outcome(tmp_path / "without")


def test_four_pieces_of_a_batch_train_like_one(text, tmp_path):
    whole = run_cell(cell(text, precision="float64"), tmp_path / "1")
    pieces = run_cell(cell(text, precision="float64", train__accumulate=4), tmp_path / "4")
    assert pieces["id"] != whole["id"]
    assert pieces["score"] == pytest.approx(whole["score"], rel=1e-6)
    for one, four in zip(whole["curve"], pieces["curve"], strict=True):
        assert four == pytest.approx(one, rel=1e-6)


def test_a_checkpoint_of_another_cell_is_refused_and_the_run_begins_anew(text, tmp_path):
    mine, other = cell(text, seed=1), cell(text, seed=2)
    run_cell(mine, tmp_path / "whole")
    with pytest.raises(Stopped):
        run_cell(other, tmp_path / "folder", lambda step, steps, loss: step == 3)
    record = run_cell(mine, tmp_path / "folder")
    assert outcome(tmp_path / "folder") == outcome(tmp_path / "whole")
    assert len(record["warnings"]) == 1
    assert other.id[:12] in record["warnings"][0]
    assert "begun anew" in record["warnings"][0]


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_a_checkpoint_cut_short_is_refused_and_the_run_begins_anew(share, text, tmp_path):
    run = cell(text)
    run_cell(run, tmp_path / "whole")
    with pytest.raises(Stopped):
        run_cell(run, tmp_path / "cut", lambda step, steps, loss: step == 3)
    path = tmp_path / "cut" / CHECKPOINT
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    record = run_cell(run, tmp_path / "cut")
    assert outcome(tmp_path / "cut") == outcome(tmp_path / "whole")
    assert "damaged or not a checkpoint" in record["warnings"][0]


@pytest.mark.parametrize("extra", ['{"step": 3, "lo', '{"step": 3, "loss": 9.0}\n{"step": 4,'])
def test_lines_written_after_the_last_checkpoint_are_not_doubled(extra, text, tmp_path):
    run = cell(text)
    run_cell(run, tmp_path / "whole")
    with pytest.raises(Stopped):
        run_cell(run, tmp_path / "cut", lambda step, steps, loss: step == 3)
    with (tmp_path / "cut" / METRICS).open("a") as file:
        file.write(extra)
    run_cell(run, tmp_path / "cut")
    assert outcome(tmp_path / "cut")["metrics"] == outcome(tmp_path / "whole")["metrics"]


def test_a_cell_with_a_record_is_not_trained_again(text, tmp_path, monkeypatch):
    run = cell(text)
    first = run_cell(run, tmp_path)
    monkeypatch.setattr(loop.Run, "train", lambda self: pytest.fail("trained twice"))
    assert run_cell(run, tmp_path) == json.loads(json.dumps(first))

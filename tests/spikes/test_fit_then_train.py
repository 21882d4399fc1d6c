"""A head fitted in closed form, then gradients, in one model and one cell."""

import math

import pytest
from tests.spikes.small import cell, own

from partbench.core.cell import WEIGHTS
from partbench.testing import Subject, checks
from partbench.train.loop import Stopped
from partbench.train.record import run_cell

WARM = own("warm_head.py:WarmHead")


@pytest.mark.parametrize("check", checks("model", WARM), ids=lambda check: check.__name__)
def test_a_warm_model_keeps_every_promise(check):
    check(Subject("model", WARM))


def test_it_begins_warm_and_ends_alive(text, tmp_path):
    cold = run_cell(cell(text, {}), tmp_path / "cold")
    warm = run_cell(cell(text, {"model": WARM}), tmp_path / "warm")
    assert warm["status"] == "finished", warm["reason"]
    (step, begun), *_ = warm["evaluations"]
    assert step == 0
    assert begun < 0.8 * math.log2(256)
    assert warm["score"] < cold["score"]
    assert all(row["alive"] for row in warm["liveness"] if row["alive"] is not None)


def test_stopped_while_training_it_is_not_fitted_again(text, tmp_path):
    run = cell(text, {"model": WARM})
    run_cell(run, tmp_path / "whole")
    for stop in (6, 7):
        with pytest.raises(Stopped):
            run_cell(
                run,
                tmp_path / "cut",
                lambda step, steps, loss, stop=stop: loss == loss and step == stop,
            )
    run_cell(run, tmp_path / "cut")
    whole, cut = ((tmp_path / name / WEIGHTS).read_bytes() for name in ("whole", "cut"))
    assert whole == cut


def test_a_warm_start_that_steps_cannot_improve_has_not_diverged(text, tmp_path):
    """It stays where it was, far below guessing; that is an outcome, not a divergence."""
    edits = {"model": WARM, "optimizer.rate": 1e-9}
    record = run_cell(cell(text, edits), tmp_path / "cell")
    assert record["status"] == "finished", record["reason"]

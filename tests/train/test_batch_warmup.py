"""A batch that grows: the same tokens in the same order, in more updates at first."""

from typing import Any

import pytest
import torch
from tests.train.tiny import cell, outcome

from partbench.core.errors import ConfigError
from partbench.core.numerics import Numerics
from partbench.core.training import resolve_training, typical_steps, updates
from partbench.train.loop import Run, Stopped
from partbench.train.record import run_cell

GROWING = {"train__batch_doublings": 2, "train__batch_warmup": 0.5}


def sizes(**train: Any) -> list[int]:
    settings = resolve_training({"steps": 8, "batch": 8, **train})
    return [8 // updates(settings, step) for step in range(8)]


def test_the_batch_doubles_at_even_marks_until_it_is_whole() -> None:
    assert sizes() == [8] * 8
    assert sizes(batch_doublings=2, batch_warmup=0.5) == [2, 2, 4, 4, 8, 8, 8, 8]
    assert sizes(batch_doublings=3, batch_warmup=1.0) == [1, 1, 1, 2, 2, 2, 4, 4]
    assert sizes(batch_doublings=3, batch_warmup=0.01) == [1] + [8] * 7


def test_the_steps_that_are_timed_have_the_average_number_of_updates() -> None:
    plain = resolve_training({"steps": 8, "batch": 8})
    assert typical_steps(plain) == list(range(8))
    growing = plain | {"batch_doublings": 2, "batch_warmup": 0.5}  # 4 4 2 2 1 1 1 1: two on average
    assert typical_steps(growing) == [2, 3]


def watched(run: Run, monkeypatch: pytest.MonkeyPatch) -> tuple[list[Any], list[float]]:
    """The inputs of every update, and the rate it was made at."""
    seen, rates = [], []
    score, step = run.model.score, run.optimizer.step
    monkeypatch.setattr(run.model, "score", lambda batch: seen.append(batch.inputs) or score(batch))
    monkeypatch.setattr(
        run.optimizer, "step", lambda: rates.append(run.optimizer.param_groups[0]["lr"]) or step()
    )
    for number in range(6):
        run._step(number, 6)
    return seen, rates


def test_tokens_and_their_order_stay_and_the_rate_goes_with_the_root(
    text, tmp_path, monkeypatch
) -> None:
    plain, rates = watched(Run(cell(text), tmp_path / "plain"), monkeypatch)
    grown, lower = watched(Run(cell(text, **GROWING), tmp_path / "grown"), monkeypatch)
    assert [len(rows) for rows in grown] == [1] * 8 + [2] * 2 + [4] * 3
    assert torch.equal(torch.cat(plain), torch.cat(grown))
    by_step = [rates[step] for step in (0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 4, 5)]
    expected = [r * len(rows) ** 0.5 / 2 for r, rows in zip(by_step, grown, strict=True)]
    assert lower == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("edits", [{}, {"train__accumulate": 4}], ids=str)
def test_a_growing_run_stopped_goes_on_to_the_same_bits(edits, text, tmp_path) -> None:
    run = cell(text, **GROWING, **edits)
    run_cell(run, tmp_path / "whole")
    with pytest.raises(Stopped):
        run_cell(run, tmp_path / "stopped", lambda step, steps, loss: step == 2)
    run_cell(run, tmp_path / "stopped")
    assert outcome(tmp_path / "stopped") == outcome(tmp_path / "whole")
    assert outcome(tmp_path / "whole")["record"]["status"] == "finished"


def test_a_batch_too_small_for_the_ranks_at_first_is_refused() -> None:
    settings = resolve_training({"batch": 8, "batch_doublings": 2})
    Numerics(ranks=2).check_training(settings)
    with pytest.raises(ConfigError, match="2 cannot be cut into 4 ranks"):
        Numerics(ranks=4).check_training(settings)

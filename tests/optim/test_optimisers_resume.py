"""A run of any optimiser, stopped and taken up again, ends like one that was not, to the bit."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tests.train.test_resume import run_with_stops
from tests.train.tiny import cell, outcome, text_file

from partbench.core import menu
from partbench.core.cell import CHECKPOINT, WEIGHTS
from partbench.train import checkpoint
from partbench.train.loop import Run, Stopped
from partbench.train.record import run_cell

KINDS: dict[str, Any] = {name: {"part": name} for name in menu.names("optimizer")}
KINDS |= {
    "soap that turns": {"part": "soap", "every": 2},
    "shampoo that turns": {"part": "shampoo", "every": 2},
    "cautious": {"part": "adamw", "decay": "cautious"},
    "shifted": {"part": "conditioned", "shift": True},
    "conditioned adamw": {"part": "conditioned", "inner": "adamw", "rate": 1e-3},
}

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARTBENCH_HOME", str(tmp_path / "home"))


@pytest.fixture
def text(tmp_path: Path) -> Path:
    return text_file(tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_a_stopped_run_goes_on_to_the_same_bits(kind: str, text: Path, tmp_path: Path) -> None:
    run = cell(text, optimizer=KINDS[kind])
    run_cell(run, tmp_path / "whole")
    run_with_stops(run, tmp_path / "stopped", [3])
    whole = outcome(tmp_path / "whole")
    assert whole["record"]["status"] == "finished", whole["record"]["reason"]
    assert outcome(tmp_path / "stopped") == whole


def test_a_checkpoint_holds_what_is_trained_and_the_record_what_is_judged(
    text: Path, tmp_path: Path
) -> None:
    run = cell(text, optimizer="schedule_free")
    with pytest.raises(Stopped):
        run_cell(run, tmp_path, lambda step, steps, loss: step == 3)
    trained, _, _ = checkpoint.read(tmp_path / CHECKPOINT)
    again = Run(run, tmp_path)
    assert torch.equal(again.model.embedding.weight, trained["model/embedding.weight"])
    again.optimizer.settle()  # type: ignore[union-attr]
    gap = again.model.embedding.weight - trained["model/embedding.weight"]
    assert gap.abs().max() > 0, "the mean is what was trained: nothing is averaged"


def test_looking_changes_no_bit_of_a_schedule_free_run(text: Path, tmp_path: Path) -> None:
    found = []
    for looks in (1, 6):
        folder = tmp_path / str(looks)
        run_cell(cell(text, optimizer="schedule_free", train__evaluations=looks), folder)
        found.append(load_file(folder / WEIGHTS))
    assert all(torch.equal(weight, found[1][name]) for name, weight in found[0].items())


def test_the_saved_weights_are_those_that_were_scored(text: Path, tmp_path: Path) -> None:
    run = cell(text, optimizer="schedule_free")
    record = run_cell(run, tmp_path)
    again = Run(run, tmp_path / "new")
    again.model.load_state_dict(load_file(tmp_path / WEIGHTS))
    again.optimizer = None
    again._evaluate(6)
    assert again.evaluations[-1][1] == pytest.approx(record["score"], rel=1e-6)

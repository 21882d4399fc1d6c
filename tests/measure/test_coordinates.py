"""The coordinate check on real models: flat where it is promised, steep where it is not."""

import math
from pathlib import Path
from typing import Any

import pytest
from tests.train.tiny import text_file

from partbench.core.config import Config
from partbench.core.errors import ConfigError
from partbench.measure.coordinates import movement
from partbench.study.rate_transfer import FLAT, Plan, slope
from partbench.study.spec import base_config

RATES = {"adamw": 3e-3, "sgd": 0.03, "lion": 1e-3, "muon": 3e-3, "schedule_free": 3e-3}


@pytest.fixture
def text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PARTBENCH_HOME", str(tmp_path / "home"))
    return text_file(tmp_path)


def slopes(
    rule: str, optimizer: str = "adamw", seeds: tuple[int, ...] = (1,), **parts: Any
) -> dict[str, float]:
    edits = {"optimizer": {"part": optimizer, "rate": RATES[optimizer]}, "dims.transfer": rule}
    base = base_config("quick").edit({**edits, "dims.context": 32, **parts})
    plan = Plan(base=base, widths=(32, 256), depths=(2, 16), steps=1, rates=3, seeds=seeds)
    found = {}
    for axis, sizes in plan.axes.items():
        moved = {}
        for size in sizes:
            config, rate = plan.moving(axis, size)
            looks = [movement(config.resolved, seed=s, steps=6, rate=rate) for s in plan.seeds]
            moved[size] = math.prod(look["stream_moved"] for look in looks) ** (1 / len(looks))
        found[axis] = slope(moved)
    return found


@pytest.mark.slow
def test_standard_grows_with_both_mup_with_depth_alone_and_completep_with_neither() -> None:
    standard, mup, complete = (slopes(rule) for rule in ("standard", "mup", "completep"))
    assert standard["width"] > 1
    assert standard["depth"] > 0.8
    assert abs(mup["width"]) <= FLAT
    assert mup["depth"] > 0.8
    assert all(abs(value) <= FLAT for value in complete.values()), complete


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", [name for name in RATES if name != "adamw"])
def test_completep_is_flat_under_every_optimiser_that_follows(optimizer: str) -> None:
    found = slopes("completep", optimizer, seeds=(1, 2))
    assert all(abs(value) <= FLAT for value in found.values()), found


@pytest.mark.slow
@pytest.mark.parametrize("mixer", ["linear_attention", "gated_deltanet", "mamba2"])
def test_no_other_mixer_grows(mixer: str) -> None:
    """Over depth Mamba-2's movement falls: its normed writes are large and at random at first."""
    found = slopes("completep", mixer=mixer)
    assert abs(found["width"]) <= FLAT
    assert found["depth"] <= FLAT


def test_no_step_moves_nothing(text: Path) -> None:
    base = {"dims": {"depth": 1, "width": 16, "context": 8}, "task": {"corpus": str(text)}}
    config = Config(base).edit({"task.folds": 4})
    look = movement(config.resolved, seed=1, steps=0, rate=1.0)
    assert look["stream_moved"] == look["logits_moved"] == 0
    assert look["stream"] > 0
    assert look["logits"] > 0


def test_a_model_without_a_stream_is_refused(text: Path) -> None:
    config = Config({"model": "ngram", "task": {"corpus": str(text), "folds": 4}})
    with pytest.raises(ConfigError, match="no residual stream"):
        movement(config.resolved, seed=1, steps=1, rate=1.0)

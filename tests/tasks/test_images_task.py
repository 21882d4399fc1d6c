"""The task of pictures: same pictures for every arm, honest units, shifts and mirrors that are."""

import math
from typing import NamedTuple

import numpy as np
import pytest
import torch

from partbench.core.cell import Cell
from partbench.core.config import Config
from partbench.core.errors import ConfigError
from partbench.study.addressed import cell_of
from partbench.study.spec import base_config
from partbench.tasks.contract import OnPictures, OnText, Readable
from partbench.tasks.images import Images, _moved
from partbench.train.loop import Run

rng = np.random.default_rng(1)


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("PARTBENCH_HOME", str(tmp_path_factory.getbasetemp() / "images_home"))


class Answer(NamedTuple):
    nll: torch.Tensor
    correct: torch.Tensor | None = None


def test_a_batch_is_pixels_from_minus_one_to_one_and_a_class_each():
    task = Images()
    assert isinstance(task, OnPictures)
    assert isinstance(task, OnText)
    assert not isinstance(task, Readable)
    assert task.vocab == 10
    assert task.picture == (1, 8, 8)
    batch = task.batch(1, 0, 20)
    assert batch.inputs.shape == (20, 1, 8, 8)
    assert batch.targets.shape == batch.weights.shape == (20, 1)
    assert batch.inputs.min() == -1
    assert batch.inputs.max() == 1
    chosen = task.folds.drawn(1, 0, 20)
    known = task.pictures.pixels[chosen][..., 0]
    assert ((batch.inputs[:, 0].numpy() + 1) * 8 == known).all()
    assert (batch.targets[:, 0].numpy() == task.pictures.labels[chosen]).all()


def test_colours_come_channel_first(tmp_path):
    x = rng.integers(0, 256, (9, 4, 4, 3), np.uint8)
    np.savez(tmp_path / "set.npz", x=x, y=np.arange(9) % 2)
    task = Images(corpus=str(tmp_path / "set.npz"), folds=3)
    batch = next(task.evaluation(0, 9))
    chosen = task.folds.held_out(0)
    assert torch.allclose(
        (batch.inputs + 1) * 127.5, torch.from_numpy(x[chosen].transpose(0, 3, 1, 2)).float()
    )


def test_the_score_is_bits_or_errors_a_picture():
    batch = Images().batch(1, 0, 4)
    nll = torch.tensor([[1.0], [2.0], [3.0], [4.0]]) * math.log(2)
    right = torch.tensor([[True], [False], [True], [True]])
    assert Images().unit == "bits per picture"
    assert Images().tally(Answer(nll, right), batch) == pytest.approx((10.0, 4.0))
    errors = Images(decide="errors")
    assert errors.unit == "errors per picture"
    assert errors.tally(Answer(nll, right), batch) == (1.0, 4.0)
    with pytest.raises(ConfigError, match="use head=mapped"):
        errors.tally(Answer(nll), batch)


def test_a_moved_picture_is_moved_and_repeats_its_edge():
    picture = np.arange(12, dtype=np.uint8).reshape(1, 3, 4, 1)
    down = _moved(picture, np.array([1]), np.array([0]))[0, :, :, 0]
    assert down.tolist() == [[0, 1, 2, 3], [0, 1, 2, 3], [4, 5, 6, 7]]
    left = _moved(picture, np.array([0]), np.array([-1]))[0, :, :, 0]
    assert left.tolist() == [[1, 2, 3, 3], [5, 6, 7, 7], [9, 10, 11, 11]]
    both = _moved(np.repeat(picture, 2, 0), np.array([0, 1]), np.array([0, 0]))
    assert (both[0] == picture[0]).all()
    assert (both[1, :, :, 0] == down).all()


def test_half_the_training_pictures_are_mirrored_and_no_held_out_one_is():
    plain, flipped = Images(), Images(flip=True)
    before, after = plain.batch(3, 5, 200).inputs, flipped.batch(3, 5, 200).inputs
    mirrored = [torch.equal(a, b.flip(-1)) for a, b in zip(after, before, strict=True)]
    kept = [torch.equal(a, b) for a, b in zip(after, before, strict=True)]
    assert all(m or k for m, k in zip(mirrored, kept, strict=True))
    assert 60 < sum(mirrored) < 140
    moved = Images(flip=True, shift=2)
    for one, other in zip(plain.evaluation(3, 64), moved.evaluation(3, 64), strict=True):
        assert torch.equal(one.inputs, other.inputs)


def test_a_shift_moves_no_draw_of_which_pictures_or_mirrors():
    one, other = Images(flip=True), Images(flip=True, shift=1)
    assert torch.equal(one.batch(2, 4, 30).targets, other.batch(2, 4, 30).targets)
    assert torch.equal(other.batch(2, 4, 30).inputs, Images(flip=True, shift=1).batch(2, 4, 30)[0])
    centred = Images(shift=1).batch(2, 4, 30).inputs
    same = [torch.equal(a, b) for a, b in zip(centred, Images().batch(2, 4, 30)[0], strict=True)]
    assert sum(same) < 15


@pytest.mark.parametrize(("setting", "value"), [("shift", 8), ("shift", -1)])
def test_a_shift_beyond_the_picture_is_refused(setting, value):
    with pytest.raises(ConfigError, match=r"task\.shift"):
        Images(**{setting: value})


def pictures_seen(config: Config, folder, monkeypatch) -> list[list]:
    cell = Cell(config=config.resolved, seed=5, numerics={"precision": "float32"}, torch="")
    run, seen = Run(cell, folder), []
    score = run.model.score

    def spy(batch):
        seen.append([item.tolist() for item in batch])
        return score(batch)

    monkeypatch.setattr(run.model, "score", spy)
    for step in range(2):
        run._step(step, 2)
    return seen


@pytest.mark.parametrize(
    "swap",
    [{"model": "vit"}, {"model": "cnn_a"}, {"router": "shiftmax"}, {"optimizer": "conditioned"}],
    ids=str,
)
def test_every_arm_sees_the_same_pictures_in_the_same_order(swap, tmp_path, monkeypatch):
    small = {
        "dims.width": 32,
        "dims.depth": 2,
        "train.batch": 4,
        "task.shift": 1,
        "task.flip": True,
    }
    base = base_config("images").edit(small)
    expected = pictures_seen(base, tmp_path / "base", monkeypatch)
    assert expected[0] != expected[1]
    assert pictures_seen(base.edit(swap), tmp_path / "arm", monkeypatch) == expected


def test_a_cells_address_holds_the_pictures_and_not_their_folder(tmp_path):
    from partbench.core.numerics import Numerics

    x, y = rng.integers(0, 256, (12, 8, 8, 1), np.uint8), np.arange(12) % 2
    for place in ("here", "there"):
        (tmp_path / place).mkdir()
        np.savez(tmp_path / place / "set.npz", x=x, y=y)

    def cell(place: str) -> Cell:
        path = str(tmp_path / place / "set.npz")
        return cell_of(base_config("images").edit({"task.corpus": path}), 1, Numerics())

    here = cell("here")
    assert here.corpus
    assert here.id == cell("there").id
    np.savez(tmp_path / "there" / "set.npz", x=255 - x, y=y)
    assert here.id != cell("there").id
    digits = cell_of(base_config("images"), 1, Numerics())
    assert digits.config["task"]["corpus"] == "digits", "an embedded name is no path"

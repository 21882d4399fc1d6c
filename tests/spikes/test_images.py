"""Pixels through the one trainer: a classifier without slots, and a Transformer on patches."""

import math

import pytest
from tests.spikes.small import cell, own

from partbench.core.errors import ConfigError
from partbench.train.record import run_cell

CHANNELS = {"dims.context": 4}
DIGITS = own("images.py:Digits")
CLASSIFIER = own("images.py:PixelClassifier")
PATCHES = own("images.py:Patches")


def test_a_classifier_learns_pictures(tmp_path):
    edits = {**CHANNELS, "task": DIGITS, "model": CLASSIFIER, "train.accumulate": 2}
    record = run_cell(cell(None, {**edits, "optimizer.rate": 3e-2}), tmp_path / "cell")
    assert record["status"] == "finished", record["reason"]
    assert record["score"] < 0.7 * math.log(10)
    assert record["unit"] == "nats per picture"


def test_a_transformer_reads_patches_and_answers_at_the_last(tmp_path):
    task = {"part": DIGITS, "answers": "last"}
    edits = {**CHANNELS, "task": task, "embedding": PATCHES, "optimizer.rate": 1e-2}
    record = run_cell(cell(None, edits), tmp_path / "cell")
    assert record["status"] == "finished", record["reason"]
    assert record["score"] < 0.9 * math.log(10)
    assert all(row["alive"] for row in record["liveness"] if row["alive"] is not None)


@pytest.mark.parametrize(
    ("edits", "why"),
    [
        ({"model": "ngram"}, "needs 'tokens' from the task"),
        ({"embedding": "token"}, "needs 'tokens' from the task"),
        ({"embedding": PATCHES, "head": "tied"}, "needs 'table' from the embedding"),
    ],
)
def test_what_cannot_read_pixels_is_refused_when_it_is_declared(edits, why):
    task = {"part": DIGITS, "answers": "last"}
    with pytest.raises(ConfigError, match=why):
        cell(None, {**CHANNELS, "task": task, **edits})


def test_a_dead_model_without_slots_is_reported(tmp_path):
    model = {"part": CLASSIFIER, "alive": False}
    record = run_cell(cell(None, {**CHANNELS, "task": DIGITS, "model": model}), tmp_path / "cell")
    assert record["status"] == "finished"
    (row,) = record["liveness"]
    assert row["slot"] == "model"
    assert row["alive"] is False

"""CompleteP by swapping four parts: sizes of updates against width and depth."""

import copy
import math

import pytest
import torch
from tests.spikes.small import cell, own

from partbench.core.config import Config
from partbench.core.dims import Dims
from partbench.core.factory import Factory
from partbench.core.numerics import Numerics
from partbench.models import accounting
from partbench.models.build import build
from partbench.testing import Subject, checks
from partbench.testing.subject import VOCAB, random_batch
from partbench.train.record import run_cell

MUP = {
    "init": own("mup.py:MupInit"),
    "optimizer": own("mup.py:MupAdamW"),
    "head": own("mup.py:MupHead"),
}
COMPLETE = {**MUP, "residual": own("mup.py:DepthResidual")}
STANDARD = {
    "init": {"part": "normal", "std": 0.1},
    "optimizer": {"part": "adamw", "rate": 1e-2, "eps": 1e-12},
}


def moved(edits, depth, width):
    """Root mean square of how far 4 steps moved the stream that the head reads, before its norm."""
    config = Config({"dims": {"depth": depth, "width": width, "head_width": 16, "context": 16}})
    tree = config.edit(edits).resolved
    model = build(tree, vocab=VOCAB, seed=0, numerics=Numerics())
    lab = {"dims": Dims(**tree["dims"], vocab=VOCAB)}
    optimizer = Factory("optimizer", tree["optimizer"], lab)().build(
        dict(model.named_parameters()), accounting.roles(model)
    )
    for group in optimizer.param_groups:
        group["lr"] = 1e-2 * group["share"]
    start, batch = copy.deepcopy(model), random_batch("check")
    for _ in range(4):
        model.score(batch).mean().backward()
        optimizer.step()
        optimizer.zero_grad()
    ends = []
    for each in (model, start):
        each.residual.end = lambda state, ends=ends: ends.append(state) or state
        with torch.no_grad():
            each(batch.inputs)
    return (ends[0] - ends[1]).square().mean().sqrt().item()


def slope(edits, sizes):
    """Doublings of the movement a doubling of the size, first size to last."""
    first, last = (moved(edits, *size) for size in (sizes[0], sizes[-1]))
    doublings = len(sizes) - 1
    return math.log2(last / first) / doublings


WIDTHS = [(2, 32), (2, 64), (2, 128)]
DEPTHS = [(2, 32), (4, 32), (8, 32)]


def test_updates_do_not_grow_with_width():
    assert slope(STANDARD, WIDTHS) > 0.5
    assert abs(slope(MUP, WIDTHS)) < 0.25


def test_updates_do_not_grow_with_depth():
    assert slope(MUP, DEPTHS) > 0.5
    assert abs(slope(COMPLETE, DEPTHS)) < 0.25


@pytest.mark.parametrize(
    ("slot", "check"),
    [
        pytest.param(slot, check, id=f"{slot}-{check.__name__}")
        for slot in COMPLETE
        for check in checks(slot, COMPLETE[slot])
    ],
)
def test_each_of_the_four_keeps_every_promise(slot, check):
    check(Subject(slot, COMPLETE[slot]))


def test_a_cell_of_all_four_finishes_alive(text, tmp_path):
    edits = {**COMPLETE, "dims.width": 32}
    record = run_cell(cell(text, edits), tmp_path / "cell")
    assert record["status"] == "finished", record["reason"]
    assert all(row["alive"] for row in record["liveness"] if row["alive"] is not None)

"""The nanoGPT presets on shards of tokens, as torchrun would train them, made tiny."""

from pathlib import Path

import numpy as np
import pytest
from tests.train.test_parallel import apart, on_two, ranked
from tests.train.test_worker import prepared
from tests.train.tiny import outcome

from partbench.core.cell import Cell
from partbench.core.numerics import Numerics
from partbench.study.addressed import cell_of
from partbench.study.spec import base_config
from partbench.train.record import run_cell

TINY = {
    "dims.depth": 2,
    "dims.width": 48,
    "dims.head_width": 8,
    "dims.context": 16,
    "train.steps": 4,
    "train.batch": 16,
    "train.evaluations": 2,
    "task.folds": 4,
    "task.evaluation_tokens": 64,
    "task.tokenizer": {"part": "ready", "vocab": 90},
}
PRESETS = {"nanogpt-6l": "mhc", "nanogpt-48l": "pre_norm"}


def tiny(preset: str, shards: Path) -> Cell:
    edits = {**TINY, "task.corpus": str(shards), "residual": PRESETS[preset]}
    return cell_of(base_config(preset).edit(edits), 1, Numerics())


def test_the_presets_keep_the_shapes_of_the_public_configurations() -> None:
    for name, depth, width, head in (("nanogpt-6l", 6, 288, 48), ("nanogpt-48l", 48, 144, 24)):
        dims = base_config(name).resolved["dims"]
        assert (dims["depth"], dims["width"], dims["context"]) == (depth, width, 1024)
        assert dims["num_heads"] == 6
        assert dims["head_width"] == head
        assert head % 8 == 0, "fast attention kernels want multiples of 8"
        for ranks in (2, 4, 8):
            Numerics(ranks=ranks).check_training(base_config(name).resolved["train"])


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_two_ranks_under_torchrun_train_the_presets_as_one_does(tmp_path: Path) -> None:
    shards = tmp_path / "shards"
    shards.mkdir()
    tokens = (np.arange(4000) ** 2 % 89).astype("<u2")
    for number, part in enumerate(np.split(tokens, 2)):
        (shards / f"train_{number}.bin").write_bytes(part.tobytes())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PARTBENCH_HOME", str(tmp_path / "home"))
        runs = {name: ranked(tiny(name, shards), ranks=2) for name in PRESETS}
        pairs = {name: prepared(tmp_path / f"{name} two", run) for name, run in runs.items()}
        on_two(*map(str, pairs.values()))
        for name in runs:
            run_cell(tiny(name, shards), tmp_path / f"{name} alone")
            two, alone = outcome(pairs[name]), outcome(tmp_path / f"{name} alone")
            assert two["record"]["status"] == "finished", two["record"]["reason"]
            assert two["record"]["processes"] == 2
            # Micro-batches of two shares add in another order: docs/how-to/scaling-out.md.
            assert apart(pairs[name], tmp_path / f"{name} alone") <= 1e-6
            assert two["record"]["unit"] == "bits per token"
            assert two["files"] == alone["files"]

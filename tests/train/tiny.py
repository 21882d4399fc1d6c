"""The smallest cells that are still real: one layer of 16 channels on some kB of text."""

import json
import random
from importlib.metadata import version
from pathlib import Path
from typing import Any

from partbench.core.cell import CHECKPOINT, METRICS, RECORD, WEIGHTS, Cell
from partbench.core.config import Config
from partbench.data.corpora import open_corpus

SIZES = {
    "dims.depth": 1,
    "dims.width": 16,
    "dims.context": 8,
    "task.folds": 4,
    "task.evaluation_tokens": 64,
    "train.steps": 6,
    "train.batch": 4,
    "train.evaluations": 2,
}
TIMES = ("seconds", "seconds_wall", "checksum", "warnings")
"""What two runs of one cell may differ in: how long it took, and what was said on the way."""


def text_file(folder: Path, num_words: int = 700) -> Path:
    """A text of some kB, the same every time."""
    drawn = random.Random(0)
    words = "the of ship sea wind and to a king his sword night moon rose fell".split()
    path = folder / "text.txt"
    path.write_text(" ".join(drawn.choice(words) for _ in range(num_words)) + "\n")
    return path


def config(text: Path, **edits: Any) -> Config:
    """A tiny configuration on `text`; edits by path, with `__` for the dot."""
    changes = {path.replace("__", "."): value for path, value in edits.items()}
    return Config({}).edit({**SIZES, "task.corpus": str(text), **changes})


def cell(text: Path, seed: int = 1, precision: str = "float32", **edits: Any) -> Cell:
    """The cell of a tiny configuration."""
    chosen = config(text, **edits)
    return Cell(
        config=chosen.resolved,
        seed=seed,
        numerics={"precision": precision, "attention": "fused", "threads": 1, "device": "cpu"},
        torch=version("torch"),
        corpus=open_corpus(str(text)).sha256,
        code=chosen.outside_code(),
    )


def outcome(folder: Path) -> dict[str, Any]:
    """All that a finished cell left, times apart: the weights' bytes, metrics, the record."""
    record = json.loads((folder / RECORD).read_text())
    weights = folder / WEIGHTS
    return {
        "files": sorted(p.name for p in folder.iterdir()),
        "weights": weights.read_bytes() if weights.exists() else None,
        "metrics": [
            {key: value for key, value in json.loads(line).items() if key != "seconds"}
            for line in (folder / METRICS).read_text().splitlines()
        ],
        "record": {key: value for key, value in record.items() if key not in TIMES},
        "checkpoint": (folder / CHECKPOINT).exists(),
    }

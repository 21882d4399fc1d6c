"""Cells of 20 steps that end in a fraction of a second."""

import random
from pathlib import Path
from typing import Any

import torch

from partbench.core.cell import Cell
from partbench.core.config import Config
from partbench.data.corpora import open_corpus

PARTS = Path(__file__).parent / "parts"
SIZES = {
    "dims.depth": 2,
    "dims.width": 16,
    "dims.num_heads": 2,
    "dims.context": 8,
    "train.steps": 20,
    "train.batch": 4,
    "train.evaluations": 2,
}


def own(part: str) -> str:
    """The name by which a configuration calls a spike's part."""
    return f"{PARTS / part.partition(':')[0]}:{part.partition(':')[2]}"


def text_file(folder: Path) -> Path:
    """Some kB of words, the same every time."""
    drawn = random.Random(0)
    words = "the of ship sea wind and to a king his sword night moon rose fell".split()
    path = folder / "text.txt"
    path.write_text(" ".join(drawn.choice(words) for _ in range(700)) + "\n")
    return path


def cell(text: Path | None, edits: dict[str, Any], precision: str = "float32") -> Cell:
    """A cell on `text`, or on the task that the edits name."""
    corpus = {"task.corpus": str(text), "task.folds": 4, "task.evaluation_tokens": 64}
    config = Config({}).edit({**SIZES, **(corpus if text else {}), **edits})
    return Cell(
        config=config.resolved,
        seed=1,
        numerics={"precision": precision, "attention": "fused", "threads": 1, "device": "cpu"},
        torch=torch.__version__,
        corpus=open_corpus(str(text)).sha256 if text else "",
        code=config.outside_code(),
    )

"""From a configuration to its cell: texts and code from outside opened, hashed, and placed.

A spec says where files from outside lie, so that it runs from anywhere; its address does not
(core/cell.py).
"""

import os
from importlib.metadata import version
from pathlib import Path
from typing import Any

from partbench.core import outside
from partbench.core.cell import Cell
from partbench.core.config import Config
from partbench.core.numerics import Numerics
from partbench.data.corpora import EMBEDDED, open_corpus
from partbench.data.text import open_text


def cell_of(config: Config, seed: int, numerics: Numerics) -> Cell:
    """The cell of `config` and `seed`; DataError or ConfigError where its text cannot work."""
    return Cell(
        config=_placed(config),
        seed=seed,
        numerics=numerics.tree,
        torch=version("torch"),
        corpus=_corpus(config),
        code={outside.absolute(name): code for name, code in config.outside_code().items()},
    )


def _placed(config: Config) -> dict[str, Any]:
    """The resolved configuration with every file from outside at its absolute path."""
    tree = outside.renamed(config.resolved, outside.absolute)
    if tree["task"].get("corpus", next(iter(EMBEDDED))) not in EMBEDDED:
        path = os.path.abspath(Path(tree["task"]["corpus"]).expanduser())
        tree["task"] = tree["task"] | {"corpus": path}
    return tree


def _corpus(config: Config) -> str:
    """SHA-256 of the text an arm is trained on, opened and checked; empty for tasks without."""
    task = config.resolved["task"]
    if "corpus" not in task:
        return ""
    if "tokenizer" not in task:  # a task that reads the bytes themselves
        return open_corpus(task["corpus"]).sha256
    settings = {name: value for name, value in task.items() if name != "part"}
    return open_text(config.resolved["dims"]["context"], **settings).corpus.sha256

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
from partbench.data.corpora import EMBEDDED
from partbench.data.text import identity_of


def cell_of(config: Config, seed: int, numerics: Numerics) -> Cell:
    """The cell of `config` and `seed`; DataError or ConfigError where its text cannot work."""
    return Cell(
        config=_placed(config),
        seed=seed,
        numerics=numerics.tree,
        torch=version("torch"),
        corpus=_corpus(config, seed),
        code={outside.absolute(name): code for name, code in config.outside_code().items()},
    )


def _placed(config: Config) -> dict[str, Any]:
    """The resolved configuration with every file from outside at its absolute path."""
    tree = outside.renamed(config.resolved, outside.absolute)
    tree["task"] = _at(tree["task"])
    return tree


def _at(task: dict[str, Any]) -> dict[str, Any]:
    """A table of the task, and those in it, with texts at their absolute paths."""
    tree: dict[str, Any]
    tree = {key: _at(value) if isinstance(value, dict) else value for key, value in task.items()}
    if tree.get("corpus", next(iter(EMBEDDED))) not in EMBEDDED:
        tree["corpus"] = os.path.abspath(Path(tree["corpus"]).expanduser())
    return tree


def _corpus(config: Config, seed: int) -> str:
    """SHA-256 of the text an arm is trained on, opened and checked; empty for tasks without."""
    task = config.resolved["task"]
    if "corpus" not in task:
        return ""
    return identity_of(task, config.resolved["dims"]["context"], seed)

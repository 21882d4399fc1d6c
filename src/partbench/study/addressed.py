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
from partbench.data.sources import embedded, open_source


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
    if not embedded(tree["task"]):
        path = os.path.abspath(Path(tree["task"]["corpus"]).expanduser())
        tree["task"] = tree["task"] | {"corpus": path}
    return tree


def _corpus(config: Config) -> str:
    """SHA-256 of what an arm is trained on, opened and checked; empty for tasks without."""
    found = open_source(config.resolved["task"], config.resolved["dims"]["context"])
    return found.sha256 if found else ""

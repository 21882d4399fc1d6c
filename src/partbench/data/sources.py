"""What a task is about, as far as the driver must know: its text or its pictures, and their hash.

Torch-free, so that a study on data that cannot work is refused before its first cell.
"""

import os
from pathlib import Path
from typing import Any

from partbench.core.menu import find
from partbench.core.outside import moved
from partbench.data import corpora, pictures, text
from partbench.data.corpora import Corpus, open_corpus
from partbench.data.picture_folds import PictureFolds

Table = dict[str, Any]


def placed(task: Table) -> Table:
    """A resolved task, and the tables in it, with files at their absolute paths."""
    found: Table = moved(task, _absolute)
    return found


def _absolute(name: str) -> str:
    """The absolute path of a file; the name of what ships with partbench."""
    if name in corpora.EMBEDDED or name in pictures.EMBEDDED:
        return name
    return os.path.abspath(Path(name).expanduser())


def identity(task: Table, context: int, seed: int) -> str:
    """SHA-256 of what pair `seed` of a resolved task is trained on; empty for tasks without.

    All that the pair needs is opened and checked: DataError or ConfigError (one line) for data or
    settings that cannot work.
    """
    if "corpus" not in task:
        return ""
    if "tokenizer" in task:
        return text.identity_of(task, context, seed)
    found = source(task)
    assert found is not None
    return found.sha256


def source(task: Table) -> Corpus | None:
    """The text or the set of pictures of a resolved task, opened; None for tasks without."""
    if "corpus" not in task:
        return None
    if "pixels" in find("task", task["part"]).constants.get("PROVIDES", ()):
        found = pictures.open_pictures(task["corpus"])
        names = ("folds", "holdout", "evaluation_pictures")
        PictureFolds(found, **{name: task[name] for name in names})
        return found.corpus
    return open_corpus(task["corpus"], task.get("text_column", "text"))

"""What a task is about, as far as the driver must know: its text or its pictures, and their hash.

Torch-free, so that a study on data that cannot work is refused before its first cell.
"""

from typing import Any

from partbench.core.menu import find
from partbench.data import corpora, pictures
from partbench.data.corpora import Corpus
from partbench.data.picture_folds import PictureFolds
from partbench.data.text import open_text


def embedded(task: dict[str, Any]) -> bool:
    """Whether a resolved task names no file: what it is about ships with partbench."""
    shipped = pictures.EMBEDDED if _of_pictures(task) else corpora.EMBEDDED
    return "corpus" not in task or task["corpus"] in shipped


def open_source(task: dict[str, Any], context: int) -> Corpus | None:
    """The text or the pictures of a resolved task, opened and checked; None for tasks without.

    DataError or ConfigError (one line) for data or settings that cannot work.
    """
    if "corpus" not in task:
        return None
    if _of_pictures(task):
        found = pictures.open_pictures(task["corpus"])
        names = ("folds", "holdout", "evaluation_pictures")
        PictureFolds(found, **{name: task[name] for name in names})
        return found.corpus
    settings = {name: value for name, value in task.items() if name != "part"}
    return open_text(context, **settings).corpus


def _of_pictures(task: dict[str, Any]) -> bool:
    return "pixels" in find("task", task["part"]).constants.get("PROVIDES", ())

"""The task of a resolved configuration."""

from typing import Any

from partbench.core.dims import Dims
from partbench.core.factory import Factory
from partbench.core.menu import find
from partbench.tasks.contract import Task


def build_task(tree: dict[str, Any], seed: int = 0) -> Task:
    """The task as pair `seed` sees it, with its data opened; DataError where it cannot be used."""
    choice = tree["task"]
    lab: dict[str, Any] = {"dims": Dims(**tree["dims"]), "pair": seed}
    lab |= {slot: Factory(slot, choice[slot], {}) for slot in find("task", choice["part"]).slots}
    return Factory("task", choice, lab)()

"""The task of a resolved configuration."""

from typing import Any

from partbench.core.dims import Dims
from partbench.core.factory import Factory
from partbench.tasks.contract import Task


def build_task(tree: dict[str, Any]) -> Task:
    """The task, with its data opened; DataError where the data cannot be used."""
    return Factory("task", tree["task"], {"dims": Dims(**tree["dims"])})()

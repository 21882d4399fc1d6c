"""What a record says of the trained model beside its score: is the swapped part alive, and what
do the probes see? Both on held-out data of the cell's own seed, the same in every arm."""

from typing import Any

import torch

from partbench.core.cell import Cell
from partbench.measure import liveness, probes
from partbench.models.contract import Network
from partbench.tasks.contract import Task
from partbench.train.evaluate import evaluate, to_device
from partbench.train.process import autocast, reseed

PROBED = 4
"""Sequences that the probes look at."""


def inspected(cell: Cell, task: Task, model: Network, fresh: Network) -> dict[str, Any]:
    """Liveness of every slot, and the probes; `fresh` is the model as it began."""

    def grade(candidate: Network) -> float:
        return evaluate(candidate, task, cell.seed, cell.how, batches=1)

    def loss() -> torch.Tensor:
        return held_out_loss(cell, task, model)

    alive = liveness.inspect(model, fresh, cell.config["model"], loss, grade)
    return {"liveness": alive, "probes": observed(cell, task, model)}


def held_out_loss(cell: Cell, task: Task, model: Network) -> torch.Tensor:
    """Mean loss on one fixed held-out batch, with gradients."""
    reseed(cell.how, cell.seed, "probe")
    batch = next(task.evaluation(cell.seed, cell.config["train"]["batch"]))
    with autocast(cell.how):
        return model.score(to_device(batch, cell.how)).mean()


def observed(cell: Cell, task: Task, model: Network) -> dict[str, Any]:
    """What the probes say of a model on a few held-out sequences."""
    reseed(cell.how, cell.seed, "probe")
    batch = next(task.evaluation(cell.seed, PROBED))
    with autocast(cell.how):
        return probes.observe(model, to_device(batch, cell.how))

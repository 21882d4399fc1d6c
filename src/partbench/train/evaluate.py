"""The number that decides: the task's score on its held-out data, the same for every arm."""

import math
from itertools import islice

import torch

from partbench.core.numerics import Numerics
from partbench.data.batch import Batch
from partbench.models.contract import Network
from partbench.tasks.contract import Task
from partbench.train.process import autocast, reseed

BATCH = 64
"""Sequences scored at a time; fixed, so that no arm's numbers depend on its training batch."""


@torch.no_grad()
def evaluate(
    model: Network, task: Task, seed: int, numerics: Numerics, batches: int | None = None
) -> float:
    """Score in the task's unit over the held-out data of `seed` (its first `batches`, if given).

    Infinite where the model gives a number that is none.
    """
    total, count = 0.0, 0.0
    training = model.training
    model.eval()  # dropout and its like are for training
    reseed(numerics, seed, "evaluation")
    for batch in islice(task.evaluation(seed, BATCH), batches):
        with autocast(numerics):
            score = model.score(to_device(batch, numerics))
        part, units = task.tally(score, batch)
        total, count = total + part, count + units
    model.train(training)
    result = total / count
    return result if math.isfinite(result) else math.inf


def to_device(batch: Batch, numerics: Numerics) -> Batch:
    """The batch where the model is."""
    return Batch(*(item.to(numerics.device, non_blocking=True) for item in batch))

"""What a trained cell's answers are worth beside its score: how often right, how sure."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch

from partbench.measure.probes.calibration import of_scores
from partbench.models.contract import Score
from partbench.tasks.contract import OnPictures
from partbench.train.evaluate import BATCH, to_device
from partbench.train.process import autocast, reseed

if TYPE_CHECKING:
    from partbench.train.loop import Run


@torch.no_grad()
def answers(run: "Run") -> dict[str, Any]:
    """{"answers": error rate, confidence, calibration error} on the held-out pictures.

    Empty for tasks without pictures and for models that do not say what was right. Not charged.
    """
    if not isinstance(run.task, OnPictures):
        return {}
    run.model.eval()
    found = of_scores(_scores(run))
    return {"answers": found} if found else {}


def _scores(run: "Run") -> Iterator[Score]:
    reseed(run.numerics, run.cell.seed, "answers")
    for batch in run.task.evaluation(run.cell.seed, BATCH):
        with autocast(run.numerics):
            yield run.model.score(to_device(batch, run.numerics))

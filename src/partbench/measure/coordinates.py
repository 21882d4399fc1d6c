"""The coordinate check: how far a few large steps move what a model computes.

    moved = rms(stream after the steps - stream before them), the same for logits

on one fixed batch, the stream being what the residual hands to its end, before the last norm. Under
a parametrisation that transfers, `moved` does not depend on the width or the depth.
Paper: Yang et al. 2022, arXiv:2203.03466, appendix D.1.
"""

from typing import Any

import torch
from torch import Tensor

from partbench.core.dims import Dims
from partbench.core.errors import ConfigError
from partbench.core.factory import Factory
from partbench.core.numerics import Numerics
from partbench.data.batch import Batch
from partbench.measure.probes.watch import tensors
from partbench.models import accounting
from partbench.models.build import build
from partbench.tasks.build import build_task
from partbench.tasks.contract import offered

BATCH = 16


def movement(tree: dict[str, Any], *, seed: int, steps: int, rate: float) -> dict[str, float]:
    """Root mean squares of a configuration: `stream` and `logits` before any step, and how far
    `steps` steps at the constant `rate` moved them (`stream_moved`, `logits_moved`).

    Raises ConfigError for a model without a residual stream.
    """
    task = build_task(tree, seed)
    batch = task.batch(seed, 0, BATCH)
    model: Any = build(tree, seed=seed, numerics=Numerics(), **offered(task))
    if not hasattr(model, "residual"):
        raise ConfigError(f"model={tree['model']['part']}: it has no residual stream to follow")
    dims = Dims(**tree["dims"], vocab=task.vocab)
    recipe = Factory("optimizer", tree["optimizer"], {"dims": dims})()
    optimizer = recipe.build(dict(model.named_parameters()), accounting.roles(model))
    for group in optimizer.param_groups:
        group["lr"] = rate * group["share"]
    before = _look(model, batch)
    for _ in range(steps):
        score = model.score(batch)
        (score.mean() + sum(score.extra.values())).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    after = _look(model, batch)
    sizes = {name: _size(value) for name, value in before.items()}
    return sizes | {f"{name}_moved": _size(after[name] - before[name]) for name in before}


@torch.no_grad()
def _look(model: Any, batch: Batch) -> dict[str, Tensor]:
    """The stream at its end and the logits on the batch."""
    found: list[Tensor] = []
    end = model.residual.end

    def watched(state: Any) -> Tensor:
        found.append(torch.cat([item.detach().flatten() for item in tensors(state)]))
        return end(state)

    model.residual.end = watched
    try:
        logits = model(batch.inputs)
    finally:
        del model.residual.end  # the method of its class is there again
    return {"stream": found[0], "logits": logits.flatten()}


def _size(values: Tensor) -> float:
    return values.double().square().mean().sqrt().item()

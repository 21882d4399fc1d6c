"""How sharp is the minimum: the Hessian H of the mean loss on a batch, its top and its trace.

    top     largest eigenvalue: v <- H v / |H v| from a random v, v^T H v when it moves no more
    trace   mean of z^T H z over random signs z (Hutchinson), with its standard error

Both in the weights as they are: a model rescaled without change of its function has another
sharpness, so compare models of one kind at equal loss.
Papers: Hutchinson 1989; power iteration on networks: LeCun et al. 1993, "Automatic learning rate
maximization"; what sharpness does not tell: Dinh et al. 2017, arXiv:1703.04933.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from partbench.core import rng
from partbench.data.batch import Batch
from partbench.models.contract import Network


class Sharpness(NamedTuple):
    """top: largest eigenvalue by size, with its sign; trace and its standard error; loss: the mean
    loss there, in nats; iterations of the power method that were taken.
    """

    top: float
    trace: float
    trace_error: float
    loss: float
    iterations: int


def sharpness(
    model: Network,
    batch: Batch,
    *,
    seed: int = 0,
    most: int = 100,
    tolerance: float = 1e-3,
    probes: int = 10,
) -> Sharpness:
    """Sharpness of `model` on `batch`; its parameters and their gradients are left as they are.

    most, tolerance: of the power iteration; probes: random sign vectors for the trace. A model with
    attention must take its explicit path: fused kernels have no second derivative.
    """
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    with torch.enable_grad():
        loss = model.score(batch).mean()
        slopes = torch.autograd.grad(loss, weights, create_graph=True, allow_unused=True)
    pairs = [(w, s) for w, s in zip(weights, slopes, strict=True) if s is not None]
    used, flat = [w for w, _ in pairs], torch.cat([s.flatten() for _, s in pairs])

    def times_hessian(vector: Tensor) -> Tensor:
        found = torch.autograd.grad(
            flat, used, vector, retain_graph=True, allow_unused=True, materialize_grads=True
        )
        return torch.cat([one.flatten() for one in found]).detach()

    draw = rng.stream(seed, "sharpness")
    vector = torch.from_numpy(draw.standard_normal(len(flat))).to(flat)
    vector, top, taken = vector / vector.norm(), 0.0, 0
    while taken < most:
        image, taken = times_hessian(vector), taken + 1
        before, top = top, float(vector @ image)
        vector = image / image.norm().clamp_min(1e-30)
        if abs(top - before) <= tolerance * abs(top):
            break
    drawn = (draw.choice([-1.0, 1.0], len(flat)) for _ in range(probes))
    signs = (torch.from_numpy(one).to(flat) for one in drawn)
    traces = torch.tensor([float(z @ times_hessian(z)) for z in signs], dtype=torch.float64)
    error = float(traces.std() / probes**0.5) if probes > 1 else float("inf")
    return Sharpness(top, float(traces.mean()), error, loss.item(), taken)

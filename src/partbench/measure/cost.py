"""What a model costs before it is trained: parameters, bytes, FLOPs.

    flops_per_token          as the model says of itself, forward
    counted_flops_per_token  as counted operation by operation: a check on the first

A training step is about three times the forward pass: its backward pass has two products for one.
"""

from typing import Any

from partbench.data.batch import Batch
from partbench.measure.flop_counter import counted_flops
from partbench.models import accounting
from partbench.models.contract import Network


def cost(model: Network, batch: Batch) -> dict[str, Any]:
    """Parameters by role and in all, their bytes, FLOPs a token. `batch`: whole contexts."""
    by_role = accounting.parameters(model)
    tokens = batch.targets.shape[1]
    return {
        "parameters_by_role": by_role,
        "parameters": sum(by_role.values()),
        "parameter_bytes": sum(p.numel() * p.element_size() for p in model.parameters()),
        "flops_per_token": model.flops() / tokens,
        "counted_flops_per_token": counted_flops(model, batch) / tokens,
    }

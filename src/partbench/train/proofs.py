"""What a trained cell's proofs are worth beside its score: the share that the checker accepts."""

from typing import TYPE_CHECKING, Any

from partbench.measure.valid_proofs import valid_proofs
from partbench.tasks.symbolic import Symbolic

if TYPE_CHECKING:
    from partbench.train.loop import Run


def proofs(run: "Run") -> dict[str, Any]:
    """{"proofs": asked, valid, exact, interval}; empty for other tasks. Not charged."""
    if not isinstance(run.task, Symbolic):
        return {}
    run.model.eval()
    found = valid_proofs(run.model, run.task, run.cell.seed)
    return {"proofs": found} if found else {}

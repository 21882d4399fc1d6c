"""What goes on inside a model: pure functions of a model and a batch, one question a file."""

from collections.abc import Callable
from typing import Any, NamedTuple

from partbench.core.errors import InputError
from partbench.data.batch import Batch
from partbench.measure.probes.alignment import alignment
from partbench.measure.probes.collapse import collapse
from partbench.measure.probes.gain import gain
from partbench.measure.probes.sizes import sizes
from partbench.models.contract import Network

PROBES: dict[str, Callable[[Network, Batch], NamedTuple]] = {
    "sizes": sizes,
    "alignment": alignment,
    "gain": gain,
    "collapse": collapse,
}


def observe(model: Network, batch: Batch) -> dict[str, dict[str, Any]]:
    """What every probe that this model has an answer to says of it, to six digits.

    The model, its gradients and its buffers stay as they are.
    """
    found = {}
    for name, probe in PROBES.items():
        try:
            said = probe(model, batch)._asdict()
        except InputError:  # a model without a residual stream, a residual that mixes nothing
            continue
        found[name] = {key: _short(value) for key, value in said.items()}
    return found


def _short(value: Any) -> Any:
    if isinstance(value, list):
        return [_short(item) for item in value]
    return float(f"{value:.6g}")

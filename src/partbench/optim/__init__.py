"""Slot `optimizer`: how weights move. Each file builds one optimiser from role groups."""

from contextlib import AbstractContextManager
from typing import Any, Protocol, runtime_checkable

from torch.optim import Optimizer

from partbench.optim.adamw import AdamW
from partbench.optim.conditioned import Conditioned
from partbench.optim.lion import Lion
from partbench.optim.muon import Muon
from partbench.optim.schedule_free import ScheduleFree
from partbench.optim.sgd import SGD
from partbench.optim.shampoo import Shampoo
from partbench.optim.soap import SOAP


class OptimizerPart(Protocol):
    """A recipe for an optimiser: `rate` is the peak learning rate, a schedule multiplies it.

    Before the `*` in its `__init__`: `dims`, where it asks for them (rates by width and depth).
    PROVIDES "transfer" where its groups follow `dims.transfer`.
    """

    rate: float

    def build(self, named: dict[str, Any], roles: dict[str, Any]) -> Optimizer:
        """The optimiser over the parameters `named` by name, grouped by role.

        Every group holds `share`, its rate as a multiple of the scheduled one. State is tensors in
        their parameter's type, or numbers, under a name of each parameter: checkpoints hold it so.
        """
        ...


@runtime_checkable
class Judged(Protocol):
    """An optimiser that trains other weights than those to be judged (running means)."""

    def judged(self) -> AbstractContextManager[None]:
        """Within it the parameters are those to be judged; after it what they were, to the bit."""
        ...

    def settle(self) -> None:
        """Leave the parameters as they are to be judged: training is over."""
        ...


PARTS = {
    "adamw": AdamW,
    "sgd": SGD,
    "lion": Lion,
    "muon": Muon,
    "soap": SOAP,
    "shampoo": Shampoo,
    "schedule_free": ScheduleFree,
    "conditioned": Conditioned,
}

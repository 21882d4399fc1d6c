"""Slot `optimizer`: how weights move. Each file builds one optimiser from role groups."""

from typing import Any, Protocol

from torch.optim import Optimizer

from partbench.optim.adamw import AdamW


class OptimizerPart(Protocol):
    """A recipe for an optimiser: `rate` is the peak learning rate, a schedule multiplies it.

    Before the `*` in its `__init__`: `dims`, where it asks for them (rates by width and depth).
    """

    rate: float

    def build(self, named: dict[str, Any], roles: dict[str, Any]) -> Optimizer:
        """The optimiser over the parameters `named` by name, grouped by role.

        Every group holds `share`, its rate as a multiple of the scheduled one.
        """
        ...


PARTS = {"adamw": AdamW}

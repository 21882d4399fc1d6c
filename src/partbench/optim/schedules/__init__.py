"""Slot `schedule`: the learning rate over a run, as a multiple of its peak."""

from typing import Protocol

from partbench.optim.schedules.cosine import Cosine
from partbench.optim.schedules.linear import LinearToZero
from partbench.optim.schedules.wsd import WarmupStableDecay


class Schedule(Protocol):
    """A pure function of the step."""

    def multiplier(self, step: int, steps: int) -> float:
        """The multiple at `step` (0-based) of `steps`; never 0 on a step that is taken."""
        ...


PARTS = {"linear": LinearToZero, "cosine": Cosine, "wsd": WarmupStableDecay}

"""Warm-up, then half a cosine down to a floor: m = f + (1 - f) (1 + cos(pi x)) / 2.

Paper: Loshchilov and Hutter 2016, arXiv:1608.03983 (one cycle).
"""

import math

from partbench.core.ranges import Share
from partbench.optim.schedules.warmup import rise_and_progress


class Cosine:
    """Settings: warmup, as a share of all steps; floor, the multiple at the end."""

    def __init__(self, *, warmup: Share = 0.05, floor: Share = 0.1) -> None:
        self.warmup = warmup
        self.floor = floor

    def multiplier(self, step: int, steps: int) -> float:
        """The multiple of the peak rate at `step`."""
        rise, x = rise_and_progress(step, steps, self.warmup)
        return rise * (self.floor + (1.0 - self.floor) * 0.5 * (1.0 + math.cos(math.pi * x)))

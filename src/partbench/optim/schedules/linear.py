"""Warm-up, then linear to zero: m = 1 - x over the progress x.

Source: Bergsma et al. 2025, arXiv:2502.15938 (straight to zero beats a floor at 10 %).
"""

from partbench.core.ranges import Share
from partbench.optim.schedules.warmup import rise_and_progress


class LinearToZero:
    """m = warm-up * (1 - x). Settings: warmup, as a share of all steps."""

    def __init__(self, *, warmup: Share = 0.05) -> None:
        self.warmup = warmup

    def multiplier(self, step: int, steps: int) -> float:
        """The multiple of the peak rate at `step`."""
        rise, x = rise_and_progress(step, steps, self.warmup)
        return rise * (1.0 - x)

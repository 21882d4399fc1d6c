"""Warm-up, constant, then a cooldown by 1 - sqrt(x): the trunk can be branched at any time.

Papers: Hu et al. 2024, arXiv:2404.06395; the square root: Haegele et al. 2024, arXiv:2405.18392.
"""

from partbench.optim.schedules.warmup import rise_and_progress


class WarmupStableDecay:
    """m = 1, then 1 - sqrt(x) over the last `decay` share. Settings: warmup, decay."""

    def __init__(self, *, warmup: float = 0.05, decay: float = 0.2) -> None:
        self.warmup = warmup
        self.decay = decay

    def multiplier(self, step: int, steps: int) -> float:
        """The multiple of the peak rate at `step`."""
        rise, _ = rise_and_progress(step, steps, self.warmup)
        start = (1.0 - self.decay) * steps
        middle = step + 0.5
        if middle <= start:
            return rise
        return 1.0 - ((middle - start) / (steps - start)) ** 0.5

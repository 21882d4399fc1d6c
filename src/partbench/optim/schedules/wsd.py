"""Warm-up, constant, then a cooldown by 1 - sqrt(x): the trunk can be branched at any time.

Papers: Hu et al. 2024, arXiv:2404.06395; the square root: Haegele et al. 2024, arXiv:2405.18392.
"""

from partbench.core.errors import ConfigError
from partbench.core.ranges import Share
from partbench.optim.schedules.warmup import rise_and_progress


class WarmupStableDecay:
    """m = 1, then 1 - sqrt(x) over the last `decay` share. Settings: warmup, decay.

    Raises ConfigError where warm-up and decay overlap.
    """

    def __init__(self, *, warmup: Share = 0.05, decay: Share = 0.2) -> None:
        if warmup + decay > 1:
            raise ConfigError(
                f"schedule.decay: {decay:g} overlaps warmup {warmup:g}; "
                f"at most {1 - warmup:g} is left"
            )
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

"""Seconds a step of several configurations, taken in turn, and their ratios with an interval.

    rounds of blocks A B C, C B A, A B C, ...; a block is some steps of one configuration
    ratio of B to A = exp(mean_r log(b_r / a_r)),   b_r = median step of B's block in round r
    interval        = exp(mean +- t_{rounds - 1} s / sqrt(rounds)) of those logarithms

A machine shared with others drifts by half while it is measured. Blocks side by side in time drift
together, so their ratio holds where neither time does. Torch-free.
"""

import math
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Block = Callable[[int], list[float]]
"""Takes that many steps and says how many seconds each took."""


@dataclass(frozen=True)
class Ratio:
    """How many times the first configuration's seconds, with a confidence interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Timings:
    """Seconds of every step kept: configuration -> rounds -> steps, in the order given."""

    seconds: dict[str, list[list[float]]]

    def median(self, name: str) -> float:
        """Median seconds a step over all rounds."""
        return statistics.median(self._all(name))

    def quietest(self, name: str) -> float:
        """Lowest of the blocks' medians: what the machine does when it is least disturbed."""
        return min(statistics.median(block) for block in self.seconds[name])

    def quartiles(self, name: str) -> tuple[float, float]:
        """Lower and upper quartile of the seconds a step: the spread."""
        lower, _, upper = statistics.quantiles(self._all(name), n=4, method="inclusive")
        return lower, upper

    def ratio(self, name: str, to: str | None = None, *, confidence: float = 0.95) -> Ratio:
        """Seconds of `name` over those of `to` (the first configuration, if none is named)."""
        from scipy.special import stdtrit

        reference = self.seconds[to or next(iter(self.seconds))]
        logs = [
            math.log(statistics.median(block) / statistics.median(other))
            for block, other in zip(self.seconds[name], reference, strict=True)
        ]
        center = statistics.fmean(logs)
        if len(logs) < 2:
            return Ratio(math.exp(center), 0.0, math.inf)
        width = stdtrit(len(logs) - 1, (1 + confidence) / 2) * statistics.stdev(logs)
        width /= math.sqrt(len(logs))
        return Ratio(math.exp(center), math.exp(center - width), math.exp(center + width))

    def table(self) -> dict[str, dict[str, Any]]:
        """All of it as plain data: configuration -> median, quartiles, steps, ratio, interval.

        `ratio_high` is None where a single round leaves it open.
        """
        rows: dict[str, dict[str, Any]] = {}
        for name in self.seconds:
            ratio = self.ratio(name)
            rows[name] = {
                "seconds_per_step": self.median(name),
                "quartiles": list(self.quartiles(name)),
                "steps": len(self._all(name)),
                "ratio": ratio.value,
                "ratio_low": ratio.low,
                "ratio_high": ratio.high if math.isfinite(ratio.high) else None,
            }
        return rows

    def _all(self, name: str) -> list[float]:
        return [seconds for block in self.seconds[name] for seconds in block]


def clocked(step: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> Block:
    """A block of steps, each timed by `clock`. A step must have ended when it returns."""

    def block(steps: int) -> list[float]:
        taken = []
        for _ in range(steps):
            began = clock()
            step()
            taken.append(clock() - began)
        return taken

    return block


def interleave(
    blocks: Mapping[str, Block], *, rounds: int = 6, steps: int = 4, warm_up: int = 3
) -> Timings:
    """Time every configuration in turn: `rounds` times a block of `steps` steps.

    `warm_up` steps of each go before and are thrown away: memory is taken, kernels are chosen. The
    order turns round every round, so that no configuration always follows the same one.
    Raises ValueError where there is nothing to measure.
    """
    if not blocks or rounds < 1 or steps < 1:
        raise ValueError("interleave: needs a configuration, a round and a step at least")
    for block in blocks.values():
        block(warm_up)
    seconds: dict[str, list[list[float]]] = {name: [] for name in blocks}
    for number in range(rounds):
        names = list(blocks) if number % 2 == 0 else list(blocks)[::-1]
        for name in names:
            seconds[name].append(blocks[name](steps))
    return Timings(seconds)

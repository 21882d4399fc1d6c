"""The `train` table: how long, how wide a batch, and when to look.

tokens = steps * batch * context;   clip: the global gradient norm is cut to this
batch warm-up: while batch / 2^k sequences make an update, a step is 2^k updates on its `batch`
    sequences in order, each at rate * 2^(-k/2); k falls from `batch_doublings` to 0 at even marks

Paper of the warm-up: Merrill et al. 2025, arXiv:2505.23971 (small batches lose nothing early, and
the rate goes with the root of the batch).
"""

import dataclasses
import json
import math
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from partbench.core.errors import ConfigError, unknown


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid", strict=True))
class Training:
    """The settings of the one trainer.

    steps: optimiser steps. batch: sequences a step. accumulate: micro-batches a step is cut into.
    clip: largest global gradient norm (0 turns it off). evaluations: how often the held-out
    tokens are scored, evenly spread, the last time at the end. batch_doublings: how often the
    batch doubles until it is `batch` (0: it is so from the start); batch_warmup: the share of the
    tokens by which it is. Tokens, their order and the schedule stay what they are without it.
    """

    steps: int = 400
    batch: int = 16
    accumulate: int = 1
    clip: float = 1.0
    evaluations: int = 4
    batch_doublings: int = 0
    batch_warmup: float = 0.3

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "accumulate", "evaluations"):
            if getattr(self, name) < 1:
                raise ConfigError(f"train.{name}: {getattr(self, name)} is below 1; give 1 or more")
        if self.clip < 0:
            raise ConfigError(f"train.clip: {self.clip} is negative; 0 turns clipping off")
        if self.batch % self.accumulate:
            divisors = [n for n in range(1, self.batch + 1) if self.batch % n == 0]
            near = min(divisors, key=lambda n: abs(n - self.accumulate))
            raise ConfigError(
                f"train.accumulate: {self.accumulate} does not divide train.batch {self.batch}; "
                f"the nearest that does is {near}"
            )
        if self.batch_doublings < 0 or self.batch % 2**self.batch_doublings:
            most = (self.batch & -self.batch).bit_length() - 1
            raise ConfigError(
                f"train.batch_doublings: a batch of {self.batch} cannot be halved "
                f"{self.batch_doublings} times; at most {most}"
            )
        if not 0 < self.batch_warmup <= 1:
            raise ConfigError(
                f"train.batch_warmup: {self.batch_warmup:g} is no share of the run; the default is "
                f"0.3"
            )


def updates(settings: dict[str, Any], step: int) -> int:
    """How many updates `step` is: 1, or a power of two while the batch is still growing."""
    doublings = settings["batch_doublings"]
    warmup = settings["batch_warmup"] * settings["steps"]
    return 2 ** max(0, doublings - int(doublings * step / warmup))


def typical_steps(settings: dict[str, Any]) -> list[int]:
    """The steps of as many updates as a step has on average, to the nearest power of two.

    The time of a step is linear in its updates, so these stand for the whole run.
    """
    counts = [updates(settings, step) for step in range(settings["steps"])]
    near = min(set(counts), key=lambda count: abs(count - sum(counts) / len(counts)))
    return [step for step, count in enumerate(counts) if count == near]


SETTINGS = tuple(item.name for item in dataclasses.fields(Training))


def resolve_training(value: Any) -> dict[str, Any]:
    """The whole table with defaults; ConfigError names what is wrong and where."""
    if not isinstance(value, dict):
        raise ConfigError(f"train: {value!r} is not a table; write e.g. train.steps = 400")
    for name in value:
        if name not in SETTINGS:
            raise unknown("setting", name, f"train.{name}", SETTINGS)
        if isinstance(value[name], float) and not math.isfinite(value[name]):
            raise ConfigError(f"train.{name}: {value[name]} is not a finite number")
    try:
        return dataclasses.asdict(TypeAdapter(Training).validate_json(json.dumps(value)))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(item) for item in ("train", *first["loc"]))
        raise ConfigError(f"{place}: {first['input']!r}: {first['msg'].lower()}") from None

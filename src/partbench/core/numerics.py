"""How numbers are computed: the same in every arm of a study, frozen when it is declared.

Chosen once per machine by `partbench doctor`, hashed into every cell's address, and handed to
parts that have a choice to make (attention).
"""

import dataclasses
from typing import Any, Literal

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from partbench.core.errors import ConfigError

LATER = {"ranks": 1, "sharding": "copies"}
"""Fields younger than the first records, with the value those records were made with."""


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class Numerics:
    """Precision, attention path and threads of one rank, and how many ranks share a step.

    precision: "float64" and "float32" compute in that type throughout; "bfloat16" keeps weights,
        optimiser state, norms and losses in float32 and multiplies matrices in bfloat16.
    attention: "fused" is torch's scaled_dot_product_attention; "explicit" is two batched matrix
        products around a softmax (faster on CPUs with bfloat16 matrix units up to context ~512);
        "halves" leaves a quarter of the future out of them, where all is as plain as that.
    ranks: shares the batch of a step is cut into; any number of processes that divides it computes
        them. sharding: "copies" keeps the whole model on each rank, "full" a part of every weight.
    """

    precision: Literal["float64", "float32", "bfloat16"] = "float32"
    attention: Literal["fused", "explicit", "halves"] = "fused"
    threads: int = 1
    device: Literal["cpu", "cuda", "mps"] = "cpu"
    ranks: int = 1
    sharding: Literal["copies", "full"] = "copies"

    def __post_init__(self) -> None:
        if self.ranks < 1:
            raise ConfigError(f"ranks: {self.ranks} is below 1; give 1 or more")

    @property
    def tree(self) -> dict[str, Any]:
        """What a cell's address hashes: `LATER` fields are left out where they change nothing."""
        values = dataclasses.asdict(self)
        return {k: v for k, v in values.items() if k not in LATER or v != LATER[k]}

    def check_training(self, settings: dict[str, Any]) -> None:
        """ConfigError where a batch, at its smallest too, cannot be cut into equal shares."""
        first = 2 ** settings["batch_doublings"]
        self.check_batch(settings["batch"], settings["accumulate"])
        self.check_batch(settings["batch"] // first, max(1, settings["accumulate"] // first))

    def check_batch(self, batch: int, accumulate: int) -> None:
        """ConfigError where `batch` sequences cannot be cut into equal shares and micro-batches."""
        pieces = self.ranks * accumulate
        if batch % pieces:
            near = max(pieces, round(batch / pieces) * pieces)
            raise ConfigError(
                f"train.batch: {batch} cannot be cut into {self.ranks} ranks of {accumulate} "
                f"micro-batches each; the nearest that can is {near}"
            )

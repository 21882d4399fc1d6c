"""How numbers are computed: the same in every arm of a study, frozen when it is declared.

Chosen once per machine by `partbench doctor`, hashed into every cell's address, and handed to
parts that have a choice to make (attention).
"""

from typing import Literal

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class Numerics:
    """Precision, attention path and threads of one rank.

    precision: "float64" and "float32" compute in that type throughout; "bfloat16" keeps weights,
        optimiser state, norms and losses in float32 and multiplies matrices in bfloat16.
    attention: "fused" is torch's scaled_dot_product_attention; "explicit" is two batched matrix
        products around a softmax (faster on CPUs with bfloat16 matrix units up to context ~512).
    """

    precision: Literal["float64", "float32", "bfloat16"] = "float32"
    attention: Literal["fused", "explicit"] = "fused"
    threads: int = 1
    device: Literal["cpu", "cuda", "mps"] = "cpu"

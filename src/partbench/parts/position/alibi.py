"""Linear biases (ALiBi): a score falls with the distance of query and key, at a slope of its head.

    s_ij - m_h (i - j),   m_h = 2^(-8 h / H), h = 1 .. H

Paper: Press, Smith, Lewis 2021, arXiv:2108.12409.
"""

import math
from typing import ClassVar

import torch
from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.roles import Role
from partbench.parts.flow import Flow
from partbench.parts.shapes import Heads, Keys, Positions, Stream


def slopes(heads: int) -> list[float]:
    """m_h of each head.

    Where H is no power of two: those of the power P below it, then every other one of 2 P, as in
    the authors' code.
    """
    power = 2 ** int(math.log2(heads))
    whole = [2 ** (-8 * (h + 1) / power) for h in range(power)]
    between = [2 ** (-4 * (h + 1) / power) for h in range(0, 2 * power, 2)]
    return whole + between[: heads - power]


class ALiBi(nn.Module):
    """Scores less a distance times a slope; no parameters, any length, nothing to cache.

    Biases are float32 or wider: in bfloat16 distances above 256 fall together.
    Cost: one addition a score; no fused kernel with a plain causal mask.
    """

    PROVIDES = ("score_bias",)
    ROLES: ClassVar[dict[str, Role]] = {}
    longest: int | None = None
    slope: Tensor

    def __init__(self, dims: Dims) -> None:
        super().__init__()
        self.register_buffer("slope", torch.tensor(slopes(dims.num_heads)), persistent=False)

    def stream(self, x: Stream, flow: Flow) -> Stream:
        """The stream as it is."""
        return x

    def heads(self, x: Heads, flow: Flow) -> Heads:
        """Queries or keys as they are."""
        return x

    def scores(self, queries: Positions, keys: Keys) -> Tensor | None:
        """- m_h |i - j| [head, query, key]; j > i is seen where nothing is causal."""
        distance = (queries.unsqueeze(1) - keys.unsqueeze(0)).abs()
        return -self.slope.view(-1, 1, 1) * distance.to(self.slope.dtype)

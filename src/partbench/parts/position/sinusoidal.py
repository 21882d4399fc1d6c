"""Sinusoidal positions, added to the stream once.

    P[t, 2i] = sin(t * base^(-2i / width)),   P[t, 2i + 1] = cos(t * base^(-2i / width))

Paper: Vaswani et al. 2017, arXiv:1706.03762, section 3.5.
Differs: there the embedding has been multiplied by sqrt(width) before; here that is the setting
`scale_by_width` of the embedding, and `scale` weighs the table against a small embedding.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.ranges import Positive
from partbench.core.roles import Role
from partbench.parts.flow import Flow
from partbench.parts.shapes import Heads, Keys, Positions, Stream


class Sinusoidal(nn.Module):
    """x + scale * P[t]. No parameters; any length. Cost: one addition a channel."""

    PROVIDES = ("left_padding",)
    ROLES: ClassVar[dict[str, Role]] = {}
    longest: int | None = None
    frequency: Tensor

    def __init__(self, dims: Dims, *, base: Positive = 10000.0, scale: float = 0.02) -> None:
        super().__init__()
        exponent = torch.arange(0, dims.width, 2, dtype=torch.float64) / dims.width
        self.register_buffer("frequency", (base**-exponent).float(), persistent=False)
        self.width = dims.width
        self.scale = scale

    def stream(self, x: Stream, flow: Flow) -> Stream:
        """The stream with the table's rows added."""
        angle = flow.places.to(self.frequency.dtype).unsqueeze(-1) * self.frequency
        table = torch.stack((angle.sin(), angle.cos()), dim=-1).flatten(-2)[..., : self.width]
        return x + (self.scale * table).to(x.dtype)

    def heads(self, x: Heads, flow: Flow) -> Heads:
        """Queries or keys as they are."""
        return x

    def scores(self, queries: Positions, keys: Keys) -> Tensor | None:
        """Nothing."""
        return None

"""Rotary positions: queries and keys are turned by an angle that grows with the position.

    theta_i = base^(-2i / d);  pair i of the first d channels of a head is turned by t * theta_i

so a score depends on the distance of query and key alone.
Papers: Su et al. 2021, arXiv:2104.09864; a share of each head only: Black et al. 2022,
arXiv:2204.06745 (a quarter there and in Qwen3-Next).
"""

from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.errors import ConfigError
from partbench.core.ranges import Positive
from partbench.core.roles import Role
from partbench.parts.flow import Flow
from partbench.parts.position.turning import frequencies, refuse_odd, turned
from partbench.parts.shapes import Heads, Keys, Positions, Stream


class Rotary(nn.Module):
    """q, k -> R(t) q, R(t) k.  No parameters; any length.

    Settings: base; layout, which channels are a pair: (i, i + d/2), as in Llama, or (2i, 2i + 1);
    share of each head's channels that is turned, its first ones, in (0, 1].
    Angles, sines and cosines are float32 or wider whatever the precision.
    Cost: 3 FLOPs a channel of queries and keys.
    Raises ConfigError for an odd head width, or a share that leaves no pair.
    """

    PROVIDES = ("left_padding",)
    ROLES: ClassVar[dict[str, Role]] = {}
    longest: int | None = None

    def __init__(
        self,
        dims: Dims,
        *,
        base: Positive = 10000.0,
        layout: Literal["half_split", "interleaved"] = "half_split",
        share: Positive = 1.0,
    ) -> None:
        super().__init__()
        refuse_odd(dims, "rotary")
        if not 2 <= share * dims.head_width <= dims.head_width:
            raise ConfigError(
                f"position.share: {share} of head_width {dims.head_width} is not between one pair "
                f"and the whole; give {2 / dims.head_width:g} to 1"
            )
        self.base = base
        self.interleaved = layout == "interleaved"
        self.share = share

    def stream(self, x: Stream, flow: Flow) -> Stream:
        """The stream as it is."""
        return x

    def heads(self, x: Heads, flow: Flow) -> Heads:
        """Queries or keys turned by their positions [batch, head, time, head_width]."""
        width = 2 * int(self.share * x.shape[-1] / 2)
        name = f"rotary {self.base} {width}"  # the same for every part with this base
        first = turned(
            x[..., :width],
            flow,
            name,
            lambda: frequencies(self.base, width),
            interleaved=self.interleaved,
        )
        return first if width == x.shape[-1] else torch.cat([first, x[..., width:]], dim=-1)

    def scores(self, queries: Positions, keys: Keys) -> Tensor | None:
        """Nothing."""
        return None

"""The sizes of a model, from one dial or given one by one.

    width = 32 * depth,  head_width = 32 (64 from width 512, where it divides the width),
    num_heads = width / head_width,  num_kv_heads = num_heads

`depth` alone describes a rung of a ladder; any other size may be given and then stands.

`transfer` says how starting values, rates and multipliers follow the size, so that a learning rate
found at (base_width, base_depth) serves every size. There all three are the same model:
    standard    nothing follows
    mup         width: m = width / base_width; hidden matrices start at 1 / sqrt(m) and learn at
                1 / m, logits are divided by m, attention by d / sqrt(d_0) instead of sqrt(d)
    completep   mup, and depth: l = depth / base_depth; what a sublayer writes is divided by l
Papers: Yang et al. 2022, arXiv:2203.03466; Dey et al. 2025, arXiv:2505.01618 (alpha = 1).
"""

import math
from typing import Literal

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from partbench.core.errors import ConfigError


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid", strict=False))
class Dims:
    """All sizes, in numbers of layers, channels, heads and tokens; none is left open.

    `vocab` and `context` come from the task, everything else from the `dims` table.
    Raises ConfigError where the sizes do not fit each other.
    """

    depth: int
    width: int
    num_heads: int
    num_kv_heads: int
    head_width: int
    context: int
    vocab: int = 0
    transfer: Literal["standard", "mup", "completep"] = "standard"
    base_width: int = 256
    base_depth: int = 2
    base_head_width: int = 32

    def __post_init__(self) -> None:
        for name in ("depth", "width", "num_heads", "num_kv_heads", "head_width", "context",
                     "base_width", "base_depth", "base_head_width"):  # fmt: skip
            if getattr(self, name) < 1:
                raise ConfigError(f"dims.{name}: {getattr(self, name)} is below 1; give 1 or more")
        if self.num_heads % self.num_kv_heads:
            divisors = [n for n in range(1, self.num_heads + 1) if self.num_heads % n == 0]
            near = min(divisors, key=lambda n: abs(n - self.num_kv_heads))
            raise ConfigError(
                f"dims.num_kv_heads: {self.num_kv_heads} does not divide num_heads "
                f"{self.num_heads}; the nearest that does is {near}"
            )

    @property
    def num_sublayers(self) -> int:
        """Mixer and feed-forward count separately: two a layer."""
        return 2 * self.depth

    @property
    def width_ratio(self) -> float:
        """m: how much wider than the base, 1 where width is not transferred."""
        return 1.0 if self.transfer == "standard" else self.width / self.base_width

    @property
    def depth_ratio(self) -> float:
        """l: how much deeper than the base, 1 where depth is not transferred."""
        return self.depth / self.base_depth if self.transfer == "completep" else 1.0

    @property
    def attention_scale(self) -> float:
        """What a query's product with a key is multiplied by: 1 / sqrt(d), or sqrt(d_0) / d."""
        if self.transfer == "standard" or self.head_width == self.base_head_width:
            return self.head_width**-0.5
        return self.base_head_width**0.5 / self.head_width


def resolve(
    *,
    depth: int,
    context: int,
    width: int | None = None,
    num_heads: int | None = None,
    num_kv_heads: int | None = None,
    head_width: int | None = None,
    vocab: int = 0,
    transfer: Literal["standard", "mup", "completep"] = "standard",
    base_width: int = 256,
    base_depth: int = 2,
    base_head_width: int | None = None,
) -> Dims:
    """All sizes from the dial and whatever was given beside it.

    base_head_width: heads' width at the base; by default what the dial gives at base_width.

    Raises ConfigError for sizes below 1, heads that do not divide the width, or key-value heads
    that do not divide the heads.
    """
    if depth < 1:
        raise ConfigError(f"dims.depth: {depth} is below 1; give 1 or more")
    if head_width is not None and head_width < 1:
        raise ConfigError(f"dims.head_width: {head_width} is below 1; give 1 or more")
    if width is None:
        width = 32 * depth
    if num_heads is None:
        if head_width is None:
            head_width = _dialled(width)
        num_heads = max(1, width // head_width)
    if num_heads < 1:
        raise ConfigError(f"dims.num_heads: {num_heads} is below 1; give 1 or more")
    if head_width is None:
        if width % num_heads:
            near = min(
                (n for n in range(1, width + 1) if width % n == 0), key=lambda n: abs(n - num_heads)
            )
            raise ConfigError(
                f"dims.num_heads: {num_heads} does not divide width {width}; "
                f"the nearest that does is {near}"
            )
        head_width = width // num_heads
    return Dims(
        depth=depth,
        width=width,
        num_heads=num_heads,
        num_kv_heads=num_heads if num_kv_heads is None else num_kv_heads,
        head_width=head_width,
        context=context,
        vocab=vocab,
        transfer=transfer,
        base_width=base_width,
        base_depth=base_depth,
        base_head_width=_dialled(base_width) if base_head_width is None else base_head_width,
    )


def _dialled(width: int) -> int:
    """The width of heads that the dial gives."""
    return math.gcd(width, 64 if width >= 512 else 32)

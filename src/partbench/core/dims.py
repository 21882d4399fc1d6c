"""The sizes of a model, from one dial or given one by one.

    width = 32 * depth,  head_width = 32 (64 from width 512, where it divides the width),
    num_heads = width / head_width,  num_kv_heads = num_heads

`depth` alone describes a rung of a ladder; any other size may be given and then stands.
"""

import math

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

    def __post_init__(self) -> None:
        for name in ("depth", "width", "num_heads", "num_kv_heads", "head_width", "context"):
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


def resolve(
    *,
    depth: int,
    context: int,
    width: int | None = None,
    num_heads: int | None = None,
    num_kv_heads: int | None = None,
    head_width: int | None = None,
    vocab: int = 0,
) -> Dims:
    """All sizes from the dial and whatever was given beside it.

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
            head_width = math.gcd(width, 64 if width >= 512 else 32)
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
    )

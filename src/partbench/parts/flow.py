"""What travels beside the residual stream in one forward pass. Explicit, never kept on a module."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from torch import Tensor

from partbench.parts.shapes import Pixels, Positions, Tokens

if TYPE_CHECKING:
    from partbench.parts.position import Position


@dataclass
class Flow:
    """One pass.

    tokens: the inputs [batch, time], or pixels [batch, channel, height, width].
    positions: absolute position of each time step [time].
    padding: how many steps at the beginning of each row are no tokens [batch], or None; `places`
    and `present` say what that means. Parts that ask them PROVIDE "left_padding".
    position: the model's position part, which mixers ask about queries, keys and scores.
    shared: what one sublayer leaves for later ones (tables worth computing once, first values).
    layer: the layer whose sublayer is at work.
    causal: whether a position may see those up to its own alone, or all (patches of a picture).
        Mixers that scan or count (convolutions, recurrences, SAFFU) look back whatever it says.
    values: what a mixer puts in place of its values, where the residual part has a say in them.
    losses: auxiliary losses, name -> scalar, already weighted; parts add to them with `charge`.
    """

    tokens: Tokens | Pixels
    positions: Positions
    position: "Position"
    shared: dict[str, Tensor] = field(default_factory=dict)
    layer: int = 0
    causal: bool = True
    values: Callable[[Tensor, "Flow"], Tensor] | None = None
    losses: dict[str, Tensor] = field(default_factory=dict)
    padding: Tensor | None = None

    @property
    def places(self) -> Tensor:
        """Position of each step in its own text: [time], or [batch, time] (0 in padding)."""
        if self.padding is None:
            return self.positions
        return (self.positions - self.padding.unsqueeze(1)).clamp_min(0)

    @property
    def present(self) -> Tensor | None:
        """Which steps are tokens [batch, time, 1], or None where all are."""
        if self.padding is None:
            return None
        return (self.positions >= self.padding.unsqueeze(1)).unsqueeze(-1)

    def kept(self, x: Tensor) -> Tensor:
        """x [batch, time, any] with zeros in padding."""
        present = self.present
        return x if present is None else x * present

    def charge(self, name: str, loss: Tensor) -> None:
        """Add to the auxiliary loss `name`, which every layer and the head may do."""
        self.losses[name] = self.losses[name] + loss if name in self.losses else loss

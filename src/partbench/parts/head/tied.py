"""The output map that is the embedding: z = cap(E x).

Papers: Press and Wolf 2017, arXiv:1608.05859; Inan et al. 2017, arXiv:1611.01462.
"""

from typing import ClassVar, Protocol, runtime_checkable

from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.ranges import NotNegative, Positive
from partbench.core.roles import Role
from partbench.parts.head.cross_entropy import cross_entropy, logits, z_loss
from partbench.parts.shapes import Logits, Losses, Stream, Tokens


@runtime_checkable
class Table(Protocol):
    """What a tied head needs of the embedding."""

    weight: Tensor  # [vocab, width]


class TiedHead(nn.Module):
    """z = E x with E the embedding's table: one matrix, two uses, role `embedding`.

    Settings: cap and z_loss as in the linear head. Cost: no parameters, 2 vocab * width FLOPs.
    """

    NEEDS: ClassVar[dict[str, str]] = {"embedding": "table"}
    ROLES: ClassVar[dict[str, Role]] = {}

    def __init__(
        self,
        dims: Dims,
        embedding: Table,
        *,
        cap: Positive | None = None,
        z_loss: NotNegative = 1e-4,
    ) -> None:
        super().__init__()
        # In a tuple, so that the embedding is registered (and saved) once, in its own place.
        self.table = (embedding,)
        self.dims = dims
        self.cap = cap
        self.z_loss = z_loss

    def forward(self, x: Stream) -> Logits:
        """Unnormalised log-probabilities of the next token."""
        return logits(x, self.table[0].weight, self.cap)

    def score(self, x: Stream, targets: Tokens, weights: Tensor) -> tuple[Losses, Tensor]:
        """Losses in nats [batch, time], and the z-loss."""
        losses, normalisers = cross_entropy(x, self.table[0].weight, targets, self.cap)
        return losses, z_loss(normalisers, weights, self.z_loss)

    def extra_flops(self) -> int:
        """The table belongs to the embedding, so its use as a map is counted here."""
        return 2 * self.dims.vocab * self.dims.width * self.dims.context

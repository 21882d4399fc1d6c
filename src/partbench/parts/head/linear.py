"""The output map of its own: z = cap(W x).

Papers: capping c tanh(z / c): Gemma 2, arXiv:2408.00118 (there 30); z-loss: PaLM,
arXiv:2204.02311.
"""

import torch
from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.ranges import NotNegative, Positive
from partbench.core.roles import Role
from partbench.parts.head.cross_entropy import cross_entropy, logits, z_loss
from partbench.parts.shapes import Logits, Losses, Stream, Tokens


class LinearHead(nn.Module):
    """z = W x, W: [vocab, width], not shared with the embedding.

    Settings: cap bounds the logits by cap * tanh(z / cap), in training and decoding alike;
    z_loss adds z_loss * mean(lse^2) to the training loss (0 turns it off).
    Cost: vocab * width parameters.
    """

    ROLES = {"weight": Role.HEAD}

    def __init__(
        self,
        dims: Dims,
        embedding: nn.Module,
        *,
        cap: Positive | None = None,
        z_loss: NotNegative = 1e-4,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(dims.vocab, dims.width))
        self.cap = cap
        self.z_loss = z_loss

    def forward(self, x: Stream) -> Logits:
        """Unnormalised log-probabilities of the next token."""
        return logits(x, self.weight, self.cap)

    def score(self, x: Stream, targets: Tokens, weights: Tensor) -> tuple[Losses, Tensor]:
        """Losses in nats [batch, time], and the z-loss."""
        losses, normalisers = cross_entropy(x, self.weight, targets, self.cap)
        return losses, z_loss(normalisers, weights, self.z_loss)

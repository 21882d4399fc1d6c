"""A head whose probabilities are those of a `router` part: p = map(W x), nll = -log p[target].

    p' = map(W x) / sum + floor / vocab,      nll = -log p'[target]

The floor keeps a share of exactly 0 (sparsemax) from an infinite loss, and is too small to be seen
elsewhere. With map=softmax this is the head `linear` in other words.
Source: ours, for maps that are meant to take softmax's place in a classifier; the note that names
ShiftMax tests it there, with probabilities clamped at 1e-12 and the loss taken from them.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.ranges import Positive
from partbench.core.roles import Role
from partbench.parts.head.answer import Answer
from partbench.parts.shapes import Logits, Stream, Tokens


class MappedHead(nn.Module):
    """log p'(x), W: [vocab, width]; says what was right and how sure it was.

    Settings: floor, the share that is spread evenly over all answers.
    Limits: all logits are held at once: for classes, not for 50,000 tokens. Where the map gives a
    target exactly 0 there is no gradient.
    Cost: vocab * width parameters.
    """

    ROLES = {"weight": Role.HEAD}

    def __init__(
        self, dims: Dims, router: Callable[[], nn.Module], *, floor: Positive = 1e-12
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(dims.vocab, dims.width))
        self.map = router()
        self.floor = floor

    def forward(self, x: Stream) -> Logits:
        """Log-probabilities."""
        scores = nn.functional.linear(x, self.weight)
        shares = self.map(scores if scores.itemsize > 2 else scores.float())
        shares = shares / shares.sum(-1, keepdim=True).clamp_min(torch.finfo(shares.dtype).tiny)
        return (shares + self.floor / self.weight.shape[0]).log()

    def score(self, x: Stream, targets: Tokens, weights: Tensor) -> Answer:
        """Losses in nats [batch, time]; no z-loss, for there is nothing to normalise."""
        known = self.forward(x)
        nll = -known.gather(-1, targets.unsqueeze(-1)).squeeze(-1)
        surest, likeliest = known.detach().max(-1)
        return Answer(nll, nll.new_zeros(()), likeliest == targets, surest.exp())

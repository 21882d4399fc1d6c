"""A Transformer whose head begins in closed form: least squares on smoothed bigram log-counts.

    W = (X^T N X + ridge I)^-1 X^T N L;   X = what the head reads of a lone token, N = its count,
    L = ln(c(x, y) + a) minus its mean over y;   then gradients, for everything

Source: this spike (an explicit warm start). Cost: one vocab^2 table and one width^3 solve.
"""

from collections.abc import Callable, Iterable

import torch
from torch import nn

from partbench.core.dims import Dims
from partbench.core.ranges import Positive
from partbench.core.roles import Role
from partbench.data.batch import Batch
from partbench.models.contract import Score
from partbench.models.transformer import Transformer


class WarmHead(nn.Module):
    """Phase fit sets `head.weight` in place (the optimiser holds it already); phase train follows.

    Settings: smoothing a, ridge. Inside is the shipped Transformer, of the same slots.
    """

    PHASES = ("fit", "train")
    ROLES: dict[str, Role] = {}
    TILED = ("mixer", "ffn")
    DEFAULTS = {
        "embedding": "token",
        "position": "rotary",
        "norm": "rmsnorm",
        "mixer": "attention",
        "probability": "softmax",
        "ffn": "swiglu",
        "router": "softmax",
        "residual": "pre_norm",
        "block": "serial",
        "head": "linear",
    }

    def __init__(
        self,
        dims: Dims,
        embedding: Callable[..., nn.Module],
        position: Callable[..., nn.Module],
        norm: Callable[..., nn.Module],
        mixer: Callable[..., nn.Module],
        probability: Callable[..., nn.Module],
        ffn: Callable[..., nn.Module],
        router: Callable[..., nn.Module],
        block: Callable[..., nn.Module],
        residual: Callable[..., nn.Module],
        head: Callable[..., nn.Module],
        *,
        smoothing: Positive = 0.1,
        ridge: Positive = 0.1,
    ) -> None:
        super().__init__()
        self.inner = Transformer(
            dims, embedding, position, norm, mixer, probability, ffn, router, block, residual, head
        )
        self.vocab, self.smoothing, self.ridge = dims.vocab, smoothing, ridge

    @torch.no_grad()
    def fit(self, stream: Iterable[Batch]) -> None:
        """Count pairs of tokens, solve for the head."""
        weight = self.inner.head.weight
        pairs = torch.zeros(self.vocab**2, dtype=torch.float64)
        for batch in stream:
            number = (batch.inputs * self.vocab + batch.targets)[batch.weights > 0]
            pairs += torch.bincount(number, minlength=self.vocab**2)
        counts = pairs.view(self.vocab, self.vocab)
        wanted = (counts + self.smoothing).log()
        wanted -= wanted.mean(1, keepdim=True)
        every = torch.arange(self.vocab, device=weight.device)
        alone = self.inner.residual.begin(self.inner.embedding(every.unsqueeze(0)))
        x = self.inner.residual.end(alone)[0].double().cpu()
        weighted = x.T * counts.sum(1)
        gram = weighted @ x
        gram.diagonal().add_(self.ridge * gram.diagonal().mean())
        weight.copy_(torch.linalg.solve(gram, weighted @ wanted).T)

    def score(self, batch: Batch) -> Score:
        """As the Transformer."""
        return self.inner.score(batch)

    def flops(self) -> int:
        """As the Transformer."""
        return self.inner.flops()

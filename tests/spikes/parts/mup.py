"""CompleteP at alpha = 1 from roles alone: an init, an optimiser, a head and a residual.

    m = width / base_width, l = depth / base_depth
    read, write:  var / m, rate / m, decay m, eps / (m l);   head: logits / m
    stream:       h + F(N(h)) / l

Paper: Dey et al. 2025, arXiv:2505.01618; width: Yang et al. 2022, arXiv:2203.03466.
Works while heads keep their width (attention's d^-1/2 is then a constant).
The optimiser is given no `dims`: it reads the fan-in off shapes [.., out, in] and roles; depth
(needed for eps alone, since the rate's depth factor is l^(alpha - 1) = 1) is out of its reach.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.ranges import Count, NotNegative, Positive
from partbench.core.roles import Role
from partbench.optim.groups import DECAYED
from partbench.parts.head.cross_entropy import cross_entropy, logits
from partbench.parts.shapes import Logits, Losses, Stream, Tokens

HIDDEN = (Role.READ, Role.WRITE)


class MupInit:
    """W = std z, times sqrt(base_width / width) in hidden matrices. No 1 / sqrt(2 depth)."""

    def __init__(self, dims: Dims, *, std: Positive = 0.1, base_width: Count = 32) -> None:
        self.std, self.shrink = std, (base_width / dims.width) ** 0.5

    def value(self, draw: Tensor, role: Role) -> Tensor:
        """The starting value."""
        return self.std * draw * (self.shrink if role in HIDDEN else 1.0)


class MupAdamW:
    """AdamW with a group a (fan-in multiple, decay). Memory: two numbers a parameter."""

    def __init__(
        self,
        *,
        rate: Positive = 1e-2,
        eps: NotNegative = 1e-12,
        weight_decay: NotNegative = 0.1,
        base_width: Count = 32,
    ) -> None:
        self.rate, self.eps, self.weight_decay = rate, eps, weight_decay
        self.base_width = base_width

    def build(
        self, named: Mapping[str, nn.Parameter], roles: Mapping[str, Role]
    ) -> torch.optim.Optimizer:
        """Hidden matrices learn 1 / m as fast and decay m times as much."""
        # The stream's width is what tables of tokens are wide: one more thing dims would say.
        tables = [named[name] for name, role in roles.items() if role is Role.EMBEDDING]
        wider = tables[0].shape[-1] / self.base_width
        groups: dict[tuple[bool, bool], dict] = {}
        for name in sorted(named):
            key = (roles[name] in HIDDEN, roles[name] in DECAYED)
            m = wider if key[0] else 1.0
            decay = self.weight_decay * m if key[1] else 0.0
            new = {"params": [], "share": 1 / m, "weight_decay": decay, "eps": self.eps / m}
            groups.setdefault(key, new)["params"].append(named[name])
        return torch.optim.AdamW(list(groups.values()), lr=self.rate, betas=(0.9, 0.95))


class MupHead(nn.Module):
    """z = W x / m. Cost: vocab * width parameters."""

    ROLES = {"weight": Role.HEAD}

    def __init__(self, dims: Dims, embedding: nn.Module, *, base_width: Count = 32) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(dims.vocab, dims.width))
        self.shrink = base_width / dims.width

    def forward(self, x: Stream) -> Logits:
        """Unnormalised log-probabilities."""
        return logits(x * self.shrink, self.weight, None)

    def score(self, x: Stream, targets: Tokens, weights: Tensor) -> tuple[Losses, Tensor]:
        """Losses in nats, and no z-loss."""
        losses, _ = cross_entropy(x * self.shrink, self.weight, targets, None)
        return losses, losses.new_zeros(())


class DepthResidual(nn.Module):
    """h + F(N(h)) / l. Cost: its norms."""

    ROLES: dict[str, Role] = {}

    def __init__(
        self, dims: Dims, norm: Callable[..., nn.Module], *, base_depth: Count = 2
    ) -> None:
        super().__init__()
        self.norms = nn.ModuleList(norm(width=dims.width) for _ in range(dims.num_sublayers + 1))
        self.share = base_depth / dims.depth

    def begin(self, x: Stream) -> Stream:
        return x

    def read(self, sublayer: int, state: Stream) -> tuple[Stream, Stream]:
        return self.norms[sublayer](state), state

    def write(self, sublayer: int, state: Stream, output: Stream) -> Stream:
        return state + self.share * output

    def end(self, state: Stream) -> Stream:
        return self.norms[-1](state)

"""SAFFU, the self-attentive feed-forward unit: vectors are compared first, then transformed.

    q = x_newest X^T [1, K]      a = softmax(q W + beta) [1, K]      z = a X [1, D]

Standard attention transforms vectors and compares them; here W, [K, K], acts on the comparisons of
K slots, so its size does not depend on the vectors, and a shorter context uses its leading corner.
Paper: Williams and Zhao 2023, arXiv:2311.07510 (abstract, talk and reviews; no code was read).
Differs: the bias row beta is ours, for lengths of q vary; empty slots get no weight.
Cost: K^2 + K parameters; a prediction costs 2 K^2 FLOPs, and 4 K D for comparing and pooling.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from partbench.core.roles import Role


class PositionWeights(nn.Module):
    """a = P(q W + beta) over the filled slots, P the `probability` part.

    weight: [out slot, in slot], W transposed; bias: beta. Zero for both is uniform attention.
    """

    ROLES = {"weight": Role.READ, "bias": Role.BIAS}

    def __init__(self, slots: int, probability: Callable[[], nn.Module]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(slots, slots))
        self.bias = nn.Parameter(torch.zeros(slots))
        self.probability = probability()

    def forward(self, comparisons: Tensor, filled: Tensor) -> Tensor:
        """Comparisons [batch, time, slot], bool [time, slot] -> weights; leading slots suffice."""
        number = comparisons.shape[-1]
        weight = self.weight[:number, :number]
        scores = nn.functional.linear(comparisons * filled, weight, self.bias[:number])
        hidden = scores.masked_fill(~filled, -torch.inf)
        return self.probability(hidden.unsqueeze(-3)).squeeze(-3)  # parts expect a head axis


READ = 1 << 13
"""Vectors that are read together, so that they stay in the processor's own memory."""


def compare(table: Tensor, newest: Tensor, ids: Tensor) -> Tensor:
    """x_newest . x of every slot: newest [..], ids [.., slot] -> [.., slot]."""
    return products(table, newest, table, ids)


def products(pivots: Tensor, one: Tensor, table: Tensor, ids: Tensor) -> Tensor:
    """pivots[one] . table[ids] of every slot: one [..], ids [.., slot] -> [.., slot]."""
    rows = max(1, READ // ids.shape[-1])
    found = [
        (nn.functional.embedding(these, table) @ nn.functional.embedding(pivot, pivots)[..., None])
        for these, pivot in zip(
            ids.flatten(0, -2).split(rows), one.flatten().split(rows), strict=True
        )
    ]
    return torch.cat(found).view(ids.shape)


def pool(table: Tensor, ids: Tensor, weights: Tensor) -> Tensor:
    """sum over slots of weight * row: ids and weights [.., slot] -> [.., D].

    Rows are added as they are read; [.., slot, D] is never held.
    """
    bags = nn.functional.embedding_bag(
        ids.flatten(0, -2),
        table,
        per_sample_weights=weights.flatten(0, -2).to(table.dtype),
        mode="sum",
    )
    return bags.unflatten(0, ids.shape[:-1])

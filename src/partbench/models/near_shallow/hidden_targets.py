"""Attention in closed form: the hidden target of a slot is the share to which it explains the next.

    F = sum of t_k x_k^T y,  U_0 = its explicit solution,  P = softmax(E U_0)      p(y | token)
    t_k = a_k P[token_k, y] / sum over l of a_l P[token_l, y]                      posterior
    W, beta = explicit solution, with intercept, of F_W = sum of q^T t;  a = softmax(q W + beta)

For the mixture sum_k a_k P[token_k, y] the gradient is dL/dW = -sum of q^T (t - a): the criterion
of a single softmax layer with target t. Each pass is one round of expectation and maximisation;
W's solution is approximate, so the likelihood usually rises and is not bound to.
Source: derived here from the criterion that the talk on arXiv:2311.07510 describes.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from partbench.models.near_shallow.unit import products
from partbench.parts.apart import Windows
from partbench.parts.explicit import Evidence, solve, solve_with_intercept

if TYPE_CHECKING:
    from partbench.models.near_shallow.saffu import SAFFU

LARGEST = 1 << 24
"""Entries of a table of all log p(y | token) that may be held (64 MB)."""
ROWS = 256
"""Tokens whose normalisers are computed together where it is not."""


class TokenModel:
    """log p(y | token) of single tokens, looked up where the table is small."""

    def __init__(self, table: Tensor, weight: Tensor) -> None:
        self.table, self.weight = table, weight
        self.whole: Tensor | None = None
        if len(table) * len(weight) <= LARGEST:
            self.whole = (table @ weight.T).log_softmax(1)
        else:
            # Rows are shares that sum to one, so no product exceeds the largest weight.
            most = weight.max()
            held = table.new_empty(
                ROWS, len(weight)
            )  # taken once: freed each time, memory splinters
            self.normaliser = torch.cat(
                [
                    torch.mm(part, weight.T, out=held[: len(part)]).sub_(most).exp_().sum(1)
                    for part in table.split(ROWS)
                ]
            )
            self.normaliser.log_().add_(most)

    def log_probability(self, ids: Tensor, targets: Tensor) -> Tensor:
        """ids [M, slot], targets [M] -> [M, slot]."""
        if self.whole is not None:
            return self.whole[ids, targets[:, None]]
        return products(self.weight, targets, self.table, ids) - self.normaliser[ids]


class Looked(NamedTuple):
    """What the predictions of a chunk see, flat: ids, filled, comparisons [M, slot]; y, weight."""

    ids: Tensor
    filled: Tensor
    comparisons: Tensor
    targets: Tensor
    weights: Tensor


def fit_attention(model: "SAFFU", kind: str, chunks: Sequence[Windows]) -> list[float]:
    """Set W and beta of one context in place; mean log-likelihood of the mixture, by pass.

    The first t and a are uniform over the filled slots, which is also what 0 passes leave.
    """
    attention, recipe, table = model.unit(kind), model.recipe, model.vectors
    attention.weight.zero_()
    attention.bias.zero_()
    number, found = len(attention.bias), []
    tokens = Evidence(table.shape[1], model.dims.vocab)
    if recipe.em:
        for chunk in chunks:
            seen = look(model, kind, chunk)
            _count(tokens, table, seen, seen.filled / seen.filled.sum(1, keepdim=True))
    for _ in range(recipe.em):
        alone = TokenModel(
            table, solve(tokens, norm=1.0, alpha=recipe.alpha, eps=recipe.eps).weight.to(table)
        )
        tokens = Evidence(table.shape[1], model.dims.vocab)
        chosen, offered = Evidence(number, number), torch.zeros(number, dtype=torch.float64)
        total = seen_weight = 0.0
        for chunk in chunks:
            seen = look(model, kind, chunk)
            weights = attention(seen.comparisons.unsqueeze(0), seen.filled)[0]
            joint = alone.log_probability(seen.ids, seen.targets) + weights.log()
            likelihood = joint.logsumexp(1)
            t = (joint - likelihood[:, None]).exp()
            total += float((likelihood * seen.weights).double().sum())
            seen_weight += float(seen.weights.double().sum())
            _count(tokens, table, seen, t)
            missing = (0, number - t.shape[1])
            q = torch.nn.functional.pad(seen.comparisons * seen.filled, missing)
            filled = torch.nn.functional.pad(seen.filled, missing).double()
            chosen.add(q.cpu(), torch.nn.functional.pad(t, missing).cpu(), seen.weights.cpu())
            offered += (seen.weights.double() @ filled).cpu()
        layer = solve_with_intercept(chosen, alpha=recipe.alpha, eps=recipe.eps)
        assert layer.bias is not None
        attention.weight.copy_(layer.weight)
        attention.bias.copy_(layer.bias - offered.clamp_min(1.0).log())
        found.append(total / max(seen_weight, 1e-9))
    return found


def look(model: "SAFFU", kind: str, chunk: Windows) -> Looked:
    """The slots of every prediction of a chunk."""
    positions = torch.arange(chunk.inputs.shape[1], device=chunk.inputs.device)
    ids, filled, q = model.look(kind, model.padded(chunk.inputs), positions)
    return Looked(
        ids.flatten(0, 1),
        filled.expand(ids.shape).flatten(0, 1),
        q.flatten(0, 1),
        chunk.targets.flatten().long(),
        chunk.weights.flatten().to(q.dtype),
    )


def _count(evidence: Evidence, table: Tensor, seen: Looked, shares: Tensor) -> None:
    """Add sum over slots of share * x, of each prediction, to its target's sums."""
    mixed = torch.nn.functional.embedding_bag(
        seen.ids, table, per_sample_weights=(shares * seen.filled).to(table.dtype), mode="sum"
    )
    evidence.add(mixed.cpu(), seen.targets.cpu(), seen.weights.cpu())

"""The explicit solution of a softmax layer on non-negative features: a warm start in one pass.

    yhat = softmax(h U),  h >= 0,  K = mean |h|_1;      F = sum over examples of h^T y
    U_ji = tau log F_ji - (tau - 1/K) log S_i,          S_i = sum over j of F_ji

tau = 1 is the published solution, log F - (K - 1)/K log S. It is multinomial naive Bayes: with
theta = F / S, h U_i = h . log theta_i + (|h| / K) log S_i, and S_i = K f_i where norms are equal.
The intercept form, U = tau log theta with bias log f_i, is naive Bayes for any norms. tau below 1
suits features that say the same thing twice; tau above 1 averaged ones; it leaves the prior alone.
Paper: Williams and Zhao 2023, arXiv:2311.07498 (from its abstract, its author's talk and reviews).
Differs: tau and the smoothing are ours; sums add up over shards and can be undone.
Cost: examples * D additions, D * N logarithms; no gradients, no random number.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from partbench.parts.pairs import Pairs

SCORED = 1 << 22
"""Logits of held-out examples that are looked at together to choose a temperature."""


class Layer(NamedTuple):
    """weight [N, D] for h weight^T (+ bias [N]), float64."""

    weight: Tensor
    bias: Tensor | None = None


class Evidence:
    """F and all else that is summed, for D features and N classes; float64.

    sums: F transposed [N, D]; classes: how often each class was seen [N]; norms: sum of |h|_1.
    """

    def __init__(self, features: int, classes: int) -> None:
        self.sums = torch.zeros(classes, features, dtype=torch.float64)
        self.classes = torch.zeros(classes, dtype=torch.float64)
        self.norms = torch.zeros((), dtype=torch.float64)

    def add(self, features: Tensor, targets: Tensor, weights: Tensor | float = 1.0) -> None:
        """Count examples: features [M, D] >= 0; targets whole numbers [M] or shares [M, N].

        weights: of each example [M] or of all; -1 undoes what was added, exactly up to rounding.
        Shares are summed over one call in the type of the features, then in float64.
        """
        h = features if features.is_floating_point() else features.double()
        weigh = torch.as_tensor(weights, dtype=torch.float64).expand(len(h))
        if not bool((weigh == 1).all()):
            h = h * weigh[:, None].to(h.dtype)
        self.norms += h.sum(dtype=torch.float64)
        if targets.is_floating_point():
            self.sums += targets.to(h.dtype).T @ h
            self.classes += weigh @ targets.double()
        else:
            self.sums.index_add_(0, targets, h.double())
            self.classes.index_add_(0, targets, weigh)

    @classmethod
    def of(cls, pairs: Pairs, features: Tensor) -> "Evidence":
        """The evidence of counted pairs (class, row of `features` [rows, D])."""
        found = cls(features.shape[1], pairs.rows)
        left, right, number = pairs.counts()
        found.sums = pairs.through(features.double())
        found.classes.index_add_(0, left, number)
        found.norms = features.double().sum(1)[right] @ number
        return found

    def relabel(self, features: Tensor, wrong: Tensor, right: Tensor) -> None:
        """Move examples from one class to another: two updates of rank one an example."""
        self.add(features, wrong, -1.0)
        self.add(features, right)

    def merge(self, other: "Evidence") -> None:
        """Add what another shard counted."""
        self.sums += other.sums
        self.classes += other.classes
        self.norms += other.norms

    def onto(self, targets: Tensor) -> "Evidence":
        """The same examples with each class replaced by a row of `targets` [N, labels]."""
        found = Evidence(self.sums.shape[1], targets.shape[1])
        found.sums = targets.double().T @ self.sums
        found.classes = self.classes @ targets.double()
        found.norms = self.norms.clone()
        return found

    @property
    def norm(self) -> float:
        """K, the mean L1 norm of the features; 1 where nothing was seen."""
        seen = float(self.classes.sum())
        return float(self.norms) / seen if seen > 0 and float(self.norms) > 0 else 1.0


def smoothed(sums: Tensor, *, alpha: float, eps: float, blocks: int = 1) -> Tensor:
    """F + alpha * (row sum * column sum / total) + eps, in each of `blocks` equal runs of features.

    Zeros would be infinitely sure; alpha draws F towards independence, eps towards equal shares.
    """
    found = []
    for block in sums.chunk(blocks, dim=1):
        total = block.sum().clamp_min(torch.finfo(block.dtype).tiny)
        alone = block.sum(1, keepdim=True) * block.sum(0, keepdim=True) / total
        found.append(block + alpha * alone + eps)
    return torch.cat(found, dim=1)


def solve(
    evidence: Evidence,
    *,
    tau: float = 1.0,
    norm: float | None = None,
    alpha: float = 0.1,
    eps: float = 1e-3,
    blocks: int = 1,
) -> Layer:
    """The layer without a bias: tau log F - (tau - 1/K) log S, K = `norm` or the mean norm."""
    conditional, prior = _parts(evidence, norm, alpha, eps, blocks)
    return Layer(tau * conditional + prior[:, None])


def solve_with_intercept(
    evidence: Evidence,
    *,
    tau: float = 1.0,
    alpha: float = 0.1,
    eps: float = 1e-3,
    blocks: int = 1,
) -> Layer:
    """U = tau log theta, bias_i = log f_i; a class never seen counts as what smoothing gave it."""
    conditional, prior = _parts(evidence, None, alpha, eps, blocks)
    seen = evidence.classes
    bias = torch.where(seen > 0, seen.clamp_min(eps).log(), prior * evidence.norm)
    return Layer(tau * conditional, bias)


def tempered(
    evidence: Evidence,
    features: Tensor,
    targets: Tensor,
    *,
    norm: float | None = None,
    alpha: float = 0.1,
    eps: float = 1e-3,
    blocks: int = 1,
) -> float:
    """tau with the lowest cross-entropy on examples that are not in `evidence`.

    The loss is convex in tau (logits are linear in it), so one search along a line finds it.
    targets: whole numbers [M] or shares [M, N].
    """
    conditional, prior = _parts(evidence, norm, alpha, eps, blocks)
    h = features.float()
    slope = h @ conditional.float().T
    level = h.sum(1, keepdim=True) * prior.float()

    def loss(tau: float) -> float:
        return float(nll(slope * tau + level, targets).double().mean())

    return minimum(loss, 0.05, 20.0, steps=14)  # to a hundredth


def thinned(features: Tensor, targets: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """Every n-th example, so that a search, which scores them some 15 times, stays cheap."""
    every = 1 + len(targets) * classes // SCORED
    return features[::every], targets[::every]


def nll(logits: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy of each row against a whole number or shares."""
    return torch.nn.functional.cross_entropy(
        logits, targets if not targets.is_floating_point() else targets.to(logits.dtype),
        reduction="none",
    )  # fmt: skip


def minimum(loss: Callable[[float], float], low: float, high: float, steps: int = 24) -> float:
    """Where a function of one bend is lowest, between two positive ends: golden section in log."""
    ratio = (5**0.5 - 1) / 2
    a, b = math.log(low), math.log(high)
    at = {0: b - ratio * (b - a), 1: a + ratio * (b - a)}
    value = {side: loss(math.exp(at[side])) for side in at}
    for _ in range(steps):
        if value[0] <= value[1]:
            b, at[1], value[1] = at[1], at[0], value[0]
            side = 0
        else:
            a, at[0], value[0] = at[0], at[1], value[1]
            side = 1
        at[side] = b - ratio * (b - a) if side == 0 else a + ratio * (b - a)
        value[side] = loss(math.exp(at[side]))
    return math.exp((a + b) / 2)


def centred(weight: Tensor) -> Tensor:
    """The same layer with each feature's mean over the classes taken off, which softmax ignores.

    So weight decay and short number types have less to spoil.
    """
    return weight - weight.mean(0, keepdim=True)


def _parts(
    evidence: Evidence, norm: float | None, alpha: float, eps: float, blocks: int
) -> tuple[Tensor, Tensor]:
    """log theta [N, D], and (1/K) log S [N]."""
    sums = smoothed(evidence.sums, alpha=alpha, eps=eps, blocks=blocks)
    total = sums.sum(1).log()
    return sums.log() - total[:, None], total / (evidence.norm if norm is None else norm)

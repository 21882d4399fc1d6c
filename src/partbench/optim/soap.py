"""SOAP: Adam in the eigenbasis of Shampoo's two averages.

    L = b L + (1 - b) G G^T,  R = b R + (1 - b) G^T G;   L = P diag P^T,  R = Q diag Q^T
    G' = P^T G Q;  v = b2 v + (1 - b2) G'^2;  u = P ((P^T m Q) / (sqrt(v) + eps)) Q^T

with Adam's bias corrections. The first step only sets L, R, P and Q; every few steps P and Q follow
by one power iteration, P <- qr(L P), columns sorted by diag(P^T L P), v sorted with them.
Paper: Vyas et al. 2024, arXiv:2409.11321. Differs: only matrices that read or write the stream are
turned, all else is plain Adam; decay acts on the weight before the step, as in AdamW.
"""

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor, nn

from partbench.core.ranges import Count, NotNegative, Positive, Share
from partbench.core.roles import Role
from partbench.optim.adam import adam
from partbench.optim.groups import by_role, decay_of
from partbench.optim.scaling import HIDDEN
from partbench.optim.stepper import Group, State, Stepper, kept


class SOAP:
    """Adam in a slowly turning basis for matrices, Adam for everything else.

    Settings: rate; beta1, beta2, of which beta2 also averages L and R; eps; every, steps between
    turns of the basis (the paper's f; 1 is best and dearest); largest, the longest side that has a
    basis; weight_decay and decay, its law. Stacks of matrices are left to Adam.
    Cost: 8 products a matrix and step, a QR of each side every few steps.
    Memory: two numbers a parameter and 2 (out^2 + in^2) a matrix.
    """

    def __init__(
        self,
        *,
        rate: Positive = 3e-3,
        beta1: Share = 0.95,
        beta2: Share = 0.95,
        eps: NotNegative = 1e-8,
        every: Count = 10,
        largest: Count = 10000,
        weight_decay: NotNegative = 0.1,
        decay: Literal["decoupled", "independent", "cautious"] = "decoupled",
    ) -> None:
        self.rate = rate
        self.adam = {"betas": (beta1, beta2), "eps": eps}
        self.basis = {"every": every, "largest": largest}
        self.weight_decay = weight_decay
        self.decay: Literal["decoupled", "independent", "cautious"] = decay

    def build(
        self, named: Mapping[str, nn.Parameter], roles: Mapping[str, Role]
    ) -> torch.optim.Optimizer:
        """The optimiser over all of `named`."""

        def settings(role: Role) -> dict[str, Any]:
            own = {"rule": "soap", **self.basis} if role in HIDDEN else {"rule": "adam"}
            pull = decay_of(role, self.weight_decay, 1.0)
            return {"share": 1.0, "weight_decay": pull, **own, **self.adam}

        groups = by_role(named, roles, settings)
        return Stepper(groups, self.rate, {"soap": soap, "adam": adam}, self.decay)


def soap(weight: Tensor, gradient: Tensor, state: State, group: Group) -> Tensor | None:
    """The direction; reads `betas`, `eps`, `every` and `largest` of the group."""
    if weight.dim() != 2:
        return adam(weight, gradient, state, group)
    beta1, beta2 = group["betas"]
    sides = [side for side in (0, 1) if weight.shape[side] <= group["largest"]]
    mean, square = kept(state, "mean", weight), kept(state, "square", weight)
    if state["step"] == 1:
        for side in sides:
            state[f"average {side}"] = (1 - beta2) * _outer(gradient, side)
            state[f"basis {side}"] = _eigenbasis(state[f"average {side}"])
        return None
    step = state["step"] - 1
    turned = _turn(gradient, state, sides, forward=True)
    mean.lerp_(gradient, 1 - beta1)
    square.lerp_(turned.square(), 1 - beta2)
    direction = _turn(mean, state, sides, forward=True) / (square.sqrt().add_(group["eps"]))
    corrected = (1 - beta2**step) ** 0.5 / (1 - beta1**step)
    update = _turn(direction, state, sides, forward=False) * corrected
    for side in sides:
        state[f"average {side}"].lerp_(_outer(gradient, side), 1 - beta2)
    if step % group["every"] == 0:
        for side in sides:
            _follow(state, side)
    return update


def _outer(gradient: Tensor, side: int) -> Tensor:
    """G G^T or G^T G."""
    return gradient @ gradient.T if side == 0 else gradient.T @ gradient


def _turn(matrix: Tensor, state: State, sides: list[int], forward: bool) -> Tensor:
    """P^T M Q into the basis, P M Q^T out of it."""
    for side in sides:
        basis = state[f"basis {side}"]
        basis = basis if forward else basis.T
        matrix = basis.T @ matrix if side == 0 else matrix @ basis
    return matrix


def _eigenbasis(average: Tensor) -> Tensor:
    """Eigenvectors as columns, the largest eigenvalue first."""
    tiny = 1e-30 * torch.eye(len(average), dtype=average.dtype, device=average.device)
    return torch.linalg.eigh(average + tiny)[1].flip(1).contiguous()


def _follow(state: State, side: int) -> None:
    """One power iteration of a basis, in place; the squares keep to their columns."""
    average, basis, square = state[f"average {side}"], state[f"basis {side}"], state["square"]
    product = average @ basis
    order = torch.argsort((basis * product).sum(0), descending=True)
    square.copy_(square.index_select(side, order))
    basis.copy_(torch.linalg.qr(product.index_select(1, order))[0])

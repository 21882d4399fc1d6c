"""Shampoo: a matrix gradient whitened from both sides, as long as Adam's step would be.

    L <- L + G G^T,  R <- R + G^T G  (or their running means);   S = L^(-1/4) M R^(-1/4)
    u = S |adam| / |S|;   roots of L + damping * lambda_max(L) I in float64, every few steps

M is the running mean of G (G itself with beta1 = 0), bias corrected.
Papers: Gupta, Koren and Singer 2018, arXiv:1802.09568; the length of Adam's step (grafting): Anil
et al. 2020, arXiv:2002.09018; running means: Shi et al. 2023, arXiv:2309.06497.
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


class Shampoo:
    """Whitened updates of matrices that read or write the stream, Adam for everything else.

    Settings: rate; beta1 of M; beta2 of Adam's step and of the means; eps; every, steps between
    roots; damping; statistics, "mean" or "sum" of G G^T; graft takes the length of Adam's step;
    weight_decay and decay, its law. Stacks of matrices are left to Adam.
    Cost: two products a matrix and step, two eigenvalue problems every few steps.
    Memory: two numbers a parameter and 2 (out^2 + in^2) a matrix.
    """

    def __init__(
        self,
        *,
        rate: Positive = 3e-3,
        beta1: Share = 0.9,
        beta2: Share = 0.95,
        eps: NotNegative = 1e-8,
        every: Count = 10,
        damping: Positive = 1e-6,
        statistics: Literal["mean", "sum"] = "mean",
        graft: bool = True,
        weight_decay: NotNegative = 0.1,
        decay: Literal["decoupled", "independent", "cautious"] = "decoupled",
    ) -> None:
        self.rate = rate
        self.adam = {"betas": (beta1, beta2), "eps": eps}
        self.own = {"every": every, "damping": damping, "statistics": statistics, "graft": graft}
        self.weight_decay = weight_decay
        self.decay: Literal["decoupled", "independent", "cautious"] = decay

    def build(
        self, named: Mapping[str, nn.Parameter], roles: Mapping[str, Role]
    ) -> torch.optim.Optimizer:
        """The optimiser over all of `named`."""

        def settings(role: Role) -> dict[str, Any]:
            own = {"rule": "shampoo", **self.own} if role in HIDDEN else {"rule": "adam"}
            pull = decay_of(role, self.weight_decay, 1.0)
            return {"share": 1.0, "weight_decay": pull, **own, **self.adam}

        groups = by_role(named, roles, settings)
        return Stepper(groups, self.rate, {"shampoo": shampoo, "adam": adam}, self.decay)


def shampoo(weight: Tensor, gradient: Tensor, state: State, group: Group) -> Tensor:
    """The direction; reads all settings of the group."""
    (beta1, beta2), step = group["betas"], state["step"]
    stepped = adam(weight, gradient, state, group)
    if weight.dim() != 2:
        return stepped
    for side, outer in enumerate((gradient @ gradient.T, gradient.T @ gradient)):
        total = kept(state, f"statistics {side}", outer)
        if group["statistics"] == "mean":
            total.lerp_(outer, 1 - beta2)
        else:
            total.add_(outer)
        if step == 1 or step % group["every"] == 0:
            state[f"root {side}"] = inverse_fourth_root(total, group["damping"])
    mean = state["mean"] / (1 - beta1**step)
    update = state["root 0"] @ mean @ state["root 1"]
    if group["graft"]:
        update = update * (stepped.norm() / update.norm().clamp(min=1e-30))
    return update


def inverse_fourth_root(matrix: Tensor, damping: float) -> Tensor:
    """(A + damping * lambda_max I)^(-1/4), in float64, answered in the matrix's type."""
    values, vectors = torch.linalg.eigh(matrix.double())
    # A first gradient of zero must not divide by zero; its update is zero whatever the root.
    values = values.clamp(min=0) + damping * values[-1].clamp(min=1e-30)
    return ((vectors * values.pow(-0.25)) @ vectors.T).to(matrix.dtype)

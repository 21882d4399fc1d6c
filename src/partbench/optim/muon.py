"""Muon: the momentum of a matrix, made nearly orthogonal; Adam for all that is no hidden matrix.

    m = b m + (1 - b) g;  u = (1 - b) g + b m
    X = u / |u|;  five times  A = X X^T,  X <- a X + (b A + c A^2) X        w -= rate s X

with (a, b, c) = (3.4445, -4.7750, 2.0315), which brings every singular value into about (0.7, 1.2).
s = 0.2 sqrt(max(out, in)) makes the update as large as Adam's, so that Adam's rate serves both;
s = sqrt(max(1, out / in)) is the original, which wants a rate of its own (about 0.02).
Papers: Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks"; matching:
Liu et al. 2025, arXiv:2502.16982. Equals torch.optim.Muon to rounding; that one takes no stacks.
"""

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.ranges import NotNegative, Positive, Share
from partbench.core.roles import Role
from partbench.optim import scaling
from partbench.optim.adam import adam
from partbench.optim.groups import by_role, decay_of
from partbench.optim.stepper import Group, State, Stepper, kept

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
ITERATIONS = 5
EPS = 1e-7


class Muon:
    """Orthogonal updates of matrices that read or write the stream, AdamW for everything else.

    Settings: rate; matrix_share, the matrices' rate over that of the rest; scale, s above (torch's
    names: "match_rms_adamw", "original"); momentum; nesterov; beta1, beta2, eps of the rest;
    weight_decay and decay, its law. A stack of matrices is orthogonalised one by one.
    Cost: 15 products a matrix and step. Memory: one number a matrix entry, two for the rest.
    """

    PROVIDES = ("transfer",)

    def __init__(
        self,
        dims: Dims,
        *,
        rate: Positive = 3e-3,
        matrix_share: Positive = 1.0,
        scale: Literal["match_rms_adamw", "original"] = "match_rms_adamw",
        momentum: Share = 0.95,
        nesterov: bool = True,
        beta1: Share = 0.9,
        beta2: Share = 0.95,
        eps: NotNegative = 1e-8,
        weight_decay: NotNegative = 0.1,
        decay: Literal["decoupled", "independent", "cautious"] = "decoupled",
    ) -> None:
        self.dims = dims
        self.rate = rate
        self.matrix_share = matrix_share
        self.hidden = {"scale": scale, "momentum": momentum, "nesterov": nesterov}
        self.betas = (beta1, beta2)
        self.eps = eps
        self.weight_decay = weight_decay
        self.decay: Literal["decoupled", "independent", "cautious"] = decay

    def build(
        self, named: Mapping[str, nn.Parameter], roles: Mapping[str, Role]
    ) -> torch.optim.Optimizer:
        """The optimiser over all of `named`."""

        def settings(role: Role) -> dict[str, Any]:
            if role in scaling.HIDDEN:
                matched = self.hidden["scale"] == "match_rms_adamw"
                share = self.matrix_share * scaling.orthogonal(self.dims, matched).share
                pull = decay_of(role, self.weight_decay, share / self.matrix_share)
                return {"rule": "muon", "share": share, "weight_decay": pull, **self.hidden}
            share, eps = scaling.adaptive(role, self.dims)
            pull = decay_of(role, self.weight_decay, share)
            own = {"rule": "adam", "betas": self.betas, "eps": self.eps * eps}
            return {"share": share, "weight_decay": pull, **own}

        groups = by_role(named, roles, settings)
        return Stepper(groups, self.rate, {"muon": muon, "adam": adam}, self.decay)


def muon(weight: Tensor, gradient: Tensor, state: State, group: Group) -> Tensor:
    """The direction; reads `momentum`, `nesterov` and `scale` of the group."""
    momentum = group["momentum"]
    mean = kept(state, "mean", weight).lerp_(gradient, 1 - momentum)
    update = orthogonal(gradient.lerp(mean, momentum) if group["nesterov"] else mean)
    high, wide = weight.shape[-2:]
    if group["scale"] == "original":
        scale = max(1.0, high / wide) ** 0.5
    else:
        scale = 0.2 * max(high, wide) ** 0.5
    return update.to(weight.dtype) * scale


def orthogonal(matrix: Tensor) -> Tensor:
    """U V^T of a matrix U S V^T, nearly, in bfloat16 by Newton-Schulz iterations."""
    x, tall = matrix.bfloat16(), matrix.shape[-2] > matrix.shape[-1]
    if tall:
        x = x.mT
    x = x / x.norm(dim=(-2, -1), keepdim=True).clamp(min=EPS)
    add: Any = torch.addmm if x.dim() == 2 else torch.baddbmm
    x = x if x.dim() == 2 else x.flatten(0, -3)
    a, b, c = COEFFICIENTS
    for _ in range(ITERATIONS):
        gram = x @ x.mT
        gram = add(gram, gram, gram, beta=b, alpha=c)
        x = add(x, gram, x, beta=a)
    return (x.mT if tall else x).reshape(matrix.shape)

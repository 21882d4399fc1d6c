"""Lion: every number moves by the same amount, in the direction of an interpolated momentum.

    u = sign(b1 m + (1 - b1) g);   m = b2 m + (1 - b2) g

Paper: Chen et al. 2023, arXiv:2302.06675.
"""

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.ranges import NotNegative, Positive, Share
from partbench.core.roles import Role
from partbench.optim import scaling
from partbench.optim.groups import by_role, decay_of
from partbench.optim.stepper import Group, State, Stepper, kept


class Lion:
    """Sign momentum over role groups.

    Settings: rate, a third to a tenth of AdamW's; weight_decay, as many times larger; beta1, beta2;
    decay, its law. Memory: one number a parameter.
    """

    PROVIDES = ("transfer",)

    def __init__(
        self,
        dims: Dims,
        *,
        rate: Positive = 1e-3,
        beta1: Share = 0.9,
        beta2: Share = 0.99,
        weight_decay: NotNegative = 0.3,
        decay: Literal["decoupled", "independent", "cautious"] = "decoupled",
    ) -> None:
        self.dims = dims
        self.rate = rate
        self.betas = (beta1, beta2)
        self.weight_decay = weight_decay
        self.decay: Literal["decoupled", "independent", "cautious"] = decay

    def build(
        self, named: Mapping[str, nn.Parameter], roles: Mapping[str, Role]
    ) -> torch.optim.Optimizer:
        """The optimiser over all of `named`."""

        def settings(role: Role) -> dict[str, Any]:
            share = scaling.adaptive(role, self.dims).share
            pull = decay_of(role, self.weight_decay, share)
            return {"rule": "lion", "share": share, "weight_decay": pull, "betas": self.betas}

        groups = by_role(named, roles, settings)
        return Stepper(groups, self.rate, {"lion": lion}, self.decay)


def lion(weight: Tensor, gradient: Tensor, state: State, group: Group) -> Tensor:
    """The direction; reads `betas` of the group."""
    beta1, beta2 = group["betas"]
    mean = kept(state, "mean", weight)
    update = mean.lerp(gradient, 1 - beta1).sign_()
    mean.lerp_(gradient, 1 - beta2)
    return update

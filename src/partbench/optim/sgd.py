"""Stochastic gradient descent with momentum.

    h = momentum h + g;   u = h, or g + momentum h (Nesterov);   w -= rate u

Papers: Polyak 1964, "Some methods of speeding up the convergence of iteration methods"; Sutskever
et al. 2013, "On the importance of initialization and momentum in deep learning" (Nesterov's form).
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


class SGD:
    """Momentum SGD over role groups; weight decay acts on the weight, not on the gradient.

    Settings: rate; momentum, 0 for none; nesterov; weight_decay and decay, its law.
    Memory: one number a parameter with momentum, none without.
    """

    PROVIDES = ("transfer",)

    def __init__(
        self,
        dims: Dims,
        *,
        rate: Positive = 0.1,
        momentum: Share = 0.9,
        nesterov: bool = False,
        weight_decay: NotNegative = 0.0,
        decay: Literal["decoupled", "independent", "cautious"] = "decoupled",
    ) -> None:
        self.dims = dims
        self.rate = rate
        self.momentum = momentum
        self.nesterov = nesterov
        self.weight_decay = weight_decay
        self.decay: Literal["decoupled", "independent", "cautious"] = decay

    def build(
        self, named: Mapping[str, nn.Parameter], roles: Mapping[str, Role]
    ) -> torch.optim.Optimizer:
        """The optimiser over all of `named`."""

        def settings(role: Role) -> dict[str, Any]:
            share = scaling.plain(role, self.dims).share
            return {
                "rule": "sgd",
                "share": share,
                "weight_decay": decay_of(role, self.weight_decay, share),
                "momentum": self.momentum,
                "nesterov": self.nesterov,
            }

        groups = by_role(named, roles, settings)
        return Stepper(groups, self.rate, {"sgd": sgd}, self.decay)


def sgd(weight: Tensor, gradient: Tensor, state: State, group: Group) -> Tensor:
    """The direction; reads `momentum` and `nesterov` of the group."""
    momentum = group["momentum"]
    if momentum == 0:
        return gradient
    trace = kept(state, "trace", weight).mul_(momentum).add_(gradient)
    return gradient.add(trace, alpha=momentum) if group["nesterov"] else trace

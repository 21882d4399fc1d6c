"""AdamW: Adam with decoupled weight decay.

    m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2
    w -= rate decay w;      w -= rate (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)

Paper: Loshchilov and Hutter 2017, arXiv:1711.05101. This is torch's own, fused; with cautious decay
it is `adam.py` under `stepper.py`, which also says where the other laws of decay come from.
"""

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import nn

from partbench.core.dims import Dims
from partbench.core.ranges import NotNegative, Positive, Share
from partbench.core.roles import Role
from partbench.optim import scaling
from partbench.optim.adam import adam
from partbench.optim.groups import by_role, decay_of
from partbench.optim.stepper import Stepper


class AdamW:
    """torch.optim.AdamW over role groups: matrices decay; gains, biases and mixing do not.

    Settings: rate is the peak learning rate; beta1, beta2, eps as in the formula; weight_decay is
    multiplied by the scheduled rate; decay, its law: "independent" multiplies it by the schedule
    alone, so that another peak rate leaves it as it is (then take about 1e-4); "cautious" skips
    numbers whose update pulls the other way. Memory: two numbers a parameter.
    """

    PROVIDES = ("transfer",)

    def __init__(
        self,
        dims: Dims,
        *,
        rate: Positive = 3e-3,
        beta1: Share = 0.9,
        beta2: Share = 0.95,
        eps: NotNegative = 1e-8,
        weight_decay: NotNegative = 0.1,
        decay: Literal["decoupled", "independent", "cautious"] = "decoupled",
    ) -> None:
        self.dims = dims
        self.rate = rate
        self.betas = (beta1, beta2)
        self.eps = eps
        self.weight_decay = weight_decay
        self.decay = decay

    def build(
        self, named: Mapping[str, nn.Parameter], roles: Mapping[str, Role]
    ) -> torch.optim.Optimizer:
        """The optimiser over all of `named`."""

        def settings(role: Role) -> dict[str, Any]:
            share, eps = scaling.adaptive(role, self.dims)
            pull = decay_of(role, self.weight_decay, share)
            if self.decay == "independent":
                pull /= self.rate  # torch multiplies by the rate; what is left is its schedule
            return {"share": share, "weight_decay": pull, "eps": self.eps * eps}

        groups = by_role(named, roles, settings)
        if self.decay != "cautious":
            return torch.optim.AdamW(groups, lr=self.rate, betas=self.betas, fused=True)
        for group in groups:
            group |= {"rule": "adam", "betas": self.betas}
        return Stepper(groups, self.rate, {"adam": adam}, "cautious")

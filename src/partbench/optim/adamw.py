"""AdamW: Adam with decoupled weight decay.

    m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2
    w -= rate decay w;      w -= rate (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)

Paper: Loshchilov and Hutter 2017, arXiv:1711.05101. This is torch's own, fused.
"""

from collections.abc import Mapping

import torch
from torch import nn

from partbench.core.ranges import NotNegative, Positive, Share
from partbench.core.roles import Role
from partbench.optim.groups import by_decay


class AdamW:
    """torch.optim.AdamW over role groups: matrices decay; gains, biases and mixing do not.

    Settings: rate is the peak learning rate; beta1, beta2, eps as in the formula; weight_decay is
    multiplied by the scheduled rate. Memory: two numbers a parameter.
    """

    def __init__(
        self,
        *,
        rate: Positive = 3e-3,
        beta1: Share = 0.9,
        beta2: Share = 0.95,
        eps: NotNegative = 1e-8,
        weight_decay: NotNegative = 0.1,
    ) -> None:
        self.rate = rate
        self.betas = (beta1, beta2)
        self.eps = eps
        self.weight_decay = weight_decay

    def build(
        self, named: Mapping[str, nn.Parameter], roles: Mapping[str, Role]
    ) -> torch.optim.Optimizer:
        """The optimiser over all of `named`."""
        groups = by_decay(named, roles, self.weight_decay)
        return torch.optim.AdamW(groups, lr=self.rate, betas=self.betas, eps=self.eps, fused=True)

"""Schedule-free AdamW: no decay of the rate; what is judged is a running mean of the weights.

    y = (1 - b1) z + b1 x;   g at y;   z -= rate (g / (sqrt(v / (1 - b2^t)) + eps) + decay y)
    c = rate_max^2 / sum rate_max^2;   x = (1 - c) x + c z

The model holds y while it trains and x where it is evaluated, saved or decoded.
Paper: Defazio et al. 2024, arXiv:2405.15682. Use it with a rate that is constant after a warm-up:
schedule = { part = "wsd", decay = 0.0 }.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from partbench.core.dims import Dims
from partbench.core.errors import ConfigError
from partbench.core.ranges import NotNegative, Positive, Share
from partbench.core.roles import Role
from partbench.optim import scaling
from partbench.optim.groups import by_role, decay_of
from partbench.optim.stepper import Group, kept


class ScheduleFree:
    """AdamW whose average is judged; see the file's first lines.

    Settings: rate; beta1 interpolates between z and x and stands for momentum; beta2, eps,
    weight_decay as in AdamW. Raises ConfigError for beta1 = 0.
    Memory: two numbers a parameter, a third while it is evaluated.
    """

    PROVIDES = ("transfer",)

    def __init__(
        self,
        dims: Dims,
        *,
        rate: Positive = 3e-3,
        beta1: Share = 0.9,
        beta2: Share = 0.999,
        eps: NotNegative = 1e-8,
        weight_decay: NotNegative = 0.1,
    ) -> None:
        if beta1 == 0:
            raise ConfigError("optimizer.beta1: 0 leaves nothing to average; the default is 0.9")
        self.dims = dims
        self.rate = rate
        self.betas = (beta1, beta2)
        self.eps = eps
        self.weight_decay = weight_decay

    def build(
        self, named: Mapping[str, nn.Parameter], roles: Mapping[str, Role]
    ) -> torch.optim.Optimizer:
        """The optimiser over all of `named`."""

        def settings(role: Role) -> dict[str, Any]:
            share, eps = scaling.adaptive(role, self.dims)
            pull = decay_of(role, self.weight_decay, share)
            own = {"betas": self.betas, "eps": self.eps * eps}
            return {"share": share, "weight_decay": pull, **own}

        return Averager(by_role(named, roles, settings), self.rate)


class Averager(torch.optim.Optimizer):
    """The steps above. x is not kept: x = (y - (1 - b1) z) / b1, so beta1 must be above 0."""

    def __init__(self, groups: list[Group], rate: float) -> None:
        super().__init__(groups, {"lr": rate})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One step of y and z for every parameter that has a gradient."""
        for group in self.param_groups:
            (beta1, beta2), rate = group["betas"], group["lr"]
            for y in group["params"]:
                if y.grad is None:
                    continue
                state = self.state[y]
                if not state:
                    state |= {"step": 0, "rate": 0.0, "sum": 0.0, "z": y.clone()}
                state["step"] += 1
                state["rate"] = max(state["rate"], rate)
                state["sum"] += state["rate"] ** 2
                weight = state["rate"] ** 2 / state["sum"]
                square = kept(state, "square", y).mul_(beta2)
                square.addcmul_(y.grad, y.grad, value=1 - beta2)
                size = (square / (1 - beta2 ** state["step"])).sqrt_().add_(group["eps"])
                update = (y.grad / size).add_(y, alpha=group["weight_decay"])
                # The mean of x and z, with y = (1 - b1) z + b1 x put in for x on both sides.
                y.lerp_(state["z"], weight).add_(update, alpha=rate * (beta1 * (1 - weight) - 1))
                state["z"].sub_(update, alpha=rate)

    @contextmanager
    def judged(self) -> Iterator[None]:
        """Within it the parameters are x; after it they are y again, to the bit."""
        kept_weights = [(y, y.detach().clone()) for y in self.state]
        self.settle()
        try:
            yield
        finally:
            with torch.no_grad():
                for y, weight in kept_weights:
                    y.copy_(weight)

    @torch.no_grad()
    def settle(self) -> None:
        """Leave the parameters at x: training is over."""
        for group in self.param_groups:
            for y in group["params"]:
                if "z" in self.state[y]:
                    y.lerp_(self.state[y]["z"], 1 - 1 / group["betas"][0])

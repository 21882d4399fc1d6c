"""One loop for all optimisers here: a rule gives the direction, this applies rate and decay.

    w <- w - rate (u + decay w)                        decoupled
    w <- w - rate u - (rate / peak rate) decay w       independent of the peak rate
    w <- w - rate (u + decay 1[u w >= 0] w)            cautious: only where both pull the same way

Papers: decoupled: Loshchilov and Hutter 2017, arXiv:1711.05101; independent: Wortsman et al. 2023,
arXiv:2309.14322; cautious: Chen et al. 2025, arXiv:2510.12402. State is flat: tensors and numbers
under a name, so that a checkpoint needs no pickle.
"""

from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor

State = dict[str, Any]
Group = dict[str, Any]
Rule = Callable[[Tensor, Tensor, State, Group], Tensor | None]
"""(weight, gradient, state, group) -> direction u, or None for no step. `state["step"]` counts from
1; what else a rule keeps there is tensors in the weight's type, or numbers."""

Law = Literal["decoupled", "independent", "cautious"]


class Stepper(torch.optim.Optimizer):
    """Every group names its `rule`, its `share` of the rate and its `weight_decay`."""

    def __init__(
        self, groups: list[Group], rate: float, rules: dict[str, Rule], law: Law = "decoupled"
    ) -> None:
        self.rules = rules
        self.law = law
        for group in groups:
            group["peak"] = rate
        super().__init__(groups, {"lr": rate})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One step of every parameter that has a gradient."""
        for group in self.param_groups:
            rule = self.rules[group["rule"]]
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                state["step"] = state.get("step", 0) + 1
                update = rule(weight, weight.grad, state, group)
                if update is not None:
                    self._decay(weight, update, group)
                    weight.add_(update, alpha=-group["lr"])

    def _decay(self, weight: Tensor, update: Tensor, group: Group) -> None:
        decay = group["lr"] * group["weight_decay"]
        if decay == 0:
            return
        if self.law == "cautious":
            weight.sub_(weight * (update * weight >= 0), alpha=decay)
        else:
            weight.mul_(1 - (decay / group["peak"] if self.law == "independent" else decay))


def kept(state: State, name: str, weight: Tensor) -> Tensor:
    """The tensor `name` of a state, zeros like the weight at first."""
    if name not in state:
        state[name] = torch.zeros_like(weight, memory_format=torch.preserve_format)
    return state[name]

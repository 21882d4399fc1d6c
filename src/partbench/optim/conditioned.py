"""Gradient conditioning: a scale and a shift for each tensor, g_cond = s g + b, before the step.

    "none"     s = 1, b = 0
    "static"   s from the tensor's shape: fan_out / fan_in on SGD, width / fan_in on Adam
    "hyper"    s = e^r,  r <- clip((1 - leak) r + 0.02 cos(g_{t+1}, u_t), +-ln 10)
               b <- 0.9 b + 0.05 mean(g),  |b| <= 0.1 rms(g)   (off unless `shift`)

The loss at w_t does not depend on s, the next one does: dL(w_{t+1}) / dr = -rate s <g_{t+1}, u_t>,
and its cosine is a rule that no scale of the loss changes. On Adam, which takes no notice of a
scale on its gradient, s multiplies the update, and there is no shift.
Source: the idea is the project's seed A2, which gives no formula that can be run (once "trained
through the same loss", once generated from size and position); these two rules are ours. Papers:
Baydin et al. 2018, arXiv:1703.04782 (hypergradient); Yang et al. 2023, arXiv:2310.17813 (shapes).
"""

import math
from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.errors import ConfigError
from partbench.core.ranges import NotNegative, Positive, Share
from partbench.core.roles import MATRICES, Role
from partbench.optim.adam import adam
from partbench.optim.groups import by_role, decay_of
from partbench.optim.sgd import sgd
from partbench.optim.stepper import Group, State, Stepper, kept

FURTHEST = math.log(10.0)
SHIFT_LEAK, SHIFT_RATE, SHIFT_LIMIT = 0.1, 0.05, 0.1


class Conditioned:
    """SGD or AdamW whose gradient (SGD) or update (AdamW) is conditioned tensor by tensor.

    Settings: inner optimiser and mode as above; rate; momentum (SGD); beta1, beta2, eps (AdamW);
    speed of r and its leak towards 0; shift; weight_decay and decay, its law. Nothing conditioned
    decays more or less. A plain arm at several rates is the control that this needs.
    Memory: as inner and two numbers a tensor; one more a parameter on AdamW or without momentum.
    """

    def __init__(
        self,
        dims: Dims,
        *,
        inner: Literal["sgd", "adamw"] = "sgd",
        mode: Literal["hyper", "static", "none"] = "hyper",
        rate: Positive = 0.1,
        momentum: Share = 0.9,
        beta1: Share = 0.9,
        beta2: Share = 0.95,
        eps: NotNegative = 1e-8,
        speed: NotNegative = 0.02,
        leak: Share = 1e-3,
        shift: bool = False,
        weight_decay: NotNegative = 0.0,
        decay: Literal["decoupled", "independent", "cautious"] = "decoupled",
    ) -> None:
        if shift and inner == "adamw":
            raise ConfigError(
                "optimizer.shift: a shift before AdamW would change signs, not sizes; "
                'use inner = "sgd" or shift = false'
            )
        self.dims = dims
        self.rate = rate
        self.mode = mode
        self.inner = inner
        self.own: dict[str, Any] = {"inner": inner, "speed": speed, "leak": leak, "shift": shift}
        self.own |= {"momentum": momentum, "nesterov": False}
        self.own |= {"betas": (beta1, beta2), "eps": eps}
        self.weight_decay = weight_decay
        self.decay: Literal["decoupled", "independent", "cautious"] = decay

    def build(
        self, named: Mapping[str, nn.Parameter], roles: Mapping[str, Role]
    ) -> torch.optim.Optimizer:
        """The optimiser over all of `named`."""

        def settings(role: Role) -> dict[str, Any]:
            pull = decay_of(role, self.weight_decay, 1.0)
            shaped = self.mode == "static" and role in MATRICES
            rule = "hyper" if self.mode == "hyper" else "fixed"
            own = {"rule": rule, "shaped": shaped, "width": self.dims.width}
            return {"share": 1.0, "weight_decay": pull, **own, **self.own}

        groups = by_role(named, roles, settings)
        return Stepper(groups, self.rate, {"hyper": hyper, "fixed": fixed}, self.decay)


def fixed(weight: Tensor, gradient: Tensor, state: State, group: Group) -> Tensor:
    """One scale for the whole run, from the shape [.., fan_out, fan_in], or 1."""
    scale = 1.0
    if group["shaped"]:
        wide = weight.shape[-1]
        scale = (weight.shape[-2] if group["inner"] == "sgd" else group["width"]) / wide
    if group["inner"] == "sgd":
        return sgd(weight, gradient if scale == 1.0 else gradient * scale, state, group)
    update = adam(weight, gradient, state, group)
    return update if scale == 1.0 else update * scale


def hyper(weight: Tensor, gradient: Tensor, state: State, group: Group) -> Tensor:
    """The scale follows the cosine of this gradient and the update before it."""
    log_scale = kept(state, "log_scale", weight.new_zeros(()))
    # With momentum, SGD's own trace is the update before this one.
    known = "trace" if group["inner"] == "sgd" and group["momentum"] else "last"
    if known in state:
        cosine = nn.functional.cosine_similarity(
            gradient.flatten(), state[known].flatten(), dim=0, eps=1e-30
        )
        log_scale.mul_(1 - group["leak"]).add_(cosine, alpha=group["speed"])
        log_scale.clamp_(-FURTHEST, FURTHEST)
    scale = log_scale.exp()
    if group["inner"] == "sgd":
        conditioned = gradient * scale
        if group["shift"]:
            conditioned = conditioned + _shift(gradient, state)
        update = sgd(weight, conditioned, state, group)
        if known == "last":
            state["last"] = update.clone()
        return update
    update = adam(weight, gradient, state, group)
    state["last"] = update
    return update * scale


def _shift(gradient: Tensor, state: State) -> Tensor:
    limit = SHIFT_LIMIT * gradient.square().mean().sqrt()
    shift = kept(state, "shift", gradient.new_zeros(()))
    shift.mul_(1 - SHIFT_LEAK).add_(gradient.mean(), alpha=SHIFT_RATE)
    shift.copy_(torch.minimum(torch.maximum(shift, -limit), limit))
    return shift

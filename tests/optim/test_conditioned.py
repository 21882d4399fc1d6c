"""Gradient conditioning: nothing is the inner optimiser, and the rule is its derivative."""

import math
from typing import Any

import pytest
import torch
from tests.optim.test_rules import DIMS, STEPS, run, same, slope
from torch import nn

from partbench.core.errors import ConfigError
from partbench.core.roles import Role
from partbench.optim.adamw import AdamW
from partbench.optim.conditioned import Conditioned
from partbench.optim.sgd import SGD


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_conditioned_by_nothing_is_sgd_to_the_bit(momentum: float) -> None:
    mine = run(Conditioned(DIMS, mode="none", rate=0.01, momentum=momentum))
    assert torch.equal(mine, run(lambda w: torch.optim.SGD(w, lr=0.01, momentum=momentum)))


def test_conditioned_at_no_speed_is_the_inner_optimiser() -> None:
    for inner, plain in (("sgd", SGD), ("adamw", AdamW)):
        mine = run(Conditioned(DIMS, inner=inner, speed=0.0, rate=0.01))  # type: ignore[arg-type]
        same(mine, run(plain(DIMS, rate=0.01, weight_decay=0.0)), 1e-6)


@pytest.mark.parametrize("inner", ["sgd", "adamw"])
def test_the_loss_after_a_step_falls_with_the_log_scale_as_the_rule_says(inner: Any) -> None:
    """dL(w_{t+1}) / dr = -rate s <g_{t+1}, u_t>, by finite differences of a whole step."""
    curve = torch.linspace(0.5, 2.0, 6, dtype=torch.float64).view(2, 3)

    def after(log_scale: float) -> tuple[float, float]:
        weight = nn.Parameter(torch.arange(1.0, 7.0, dtype=torch.float64).view(2, 3))
        made = Conditioned(DIMS, inner=inner, rate=0.05, momentum=0.0, speed=0.0, leak=0.0).build(
            {"w": weight}, {"w": Role.READ}
        )
        made.state[weight]["log_scale"] = torch.tensor(log_scale, dtype=torch.float64)
        weight.grad = curve * weight.detach()
        made.step()
        loss = 0.5 * (curve * weight.detach().square()).sum().item()
        update = made.state[weight]["last"]
        if inner == "sgd":
            update = update / math.exp(log_scale)
        return loss, (curve * weight.detach() * update).sum().item()

    step, base = 1e-6, 0.3
    measured = (after(base + step)[0] - after(base - step)[0]) / (2 * step)
    assert measured == pytest.approx(-0.05 * math.exp(base) * after(base)[1], rel=1e-7)


def test_the_scale_takes_no_notice_of_the_scale_of_the_loss() -> None:
    scales = []
    for size in (1.0, 1000.0):
        weight = nn.Parameter(torch.ones(6, 10))
        made = Conditioned(DIMS, rate=1e-6).build({"w": weight}, {"w": Role.READ})
        for step in range(STEPS):
            weight.grad = size * slope(step, (6, 10))
            made.step()
        scales.append(made.state[weight]["log_scale"].item())
    assert scales[0] > 0.05, "gradients that agree must lengthen the step"
    assert scales[0] == pytest.approx(scales[1], rel=1e-3)


def test_the_scale_stays_within_a_factor_of_ten() -> None:
    for sign, bound in ((1.0, 10.0), (-1.0, 0.1)):
        weight = nn.Parameter(torch.ones(2, 2))
        recipe = Conditioned(DIMS, rate=1e-6, momentum=0.0, speed=0.5, leak=0.0)
        made = recipe.build({"w": weight}, {"w": Role.READ})
        for step in range(60):
            weight.grad = torch.ones(2, 2) * sign**step
            made.step()
        assert made.state[weight]["log_scale"].exp().item() == pytest.approx(bound, rel=1e-4)


def test_the_shift_leans_on_the_mean_and_is_bounded() -> None:
    weight = nn.Parameter(torch.ones(2, 2))
    recipe = Conditioned(DIMS, rate=1e-6, shift=True)
    made = recipe.build({"w": weight}, {"w": Role.READ})
    for _ in range(100):
        weight.grad = torch.full((2, 2), 3.0)
        made.step()
    assert made.state[weight]["shift"].item() == pytest.approx(0.3, rel=1e-5)  # 0.1 rms, not 1.5


def test_a_shift_before_adamw_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"optimizer\.shift"):
        Conditioned(DIMS, inner="adamw", shift=True)


@pytest.mark.parametrize(("inner", "expected"), [("sgd", 6 / 10), ("adamw", 32 / 10)])
def test_static_scales_come_from_shapes(inner: Any, expected: float) -> None:
    moved = []
    for mode in ("none", "static"):
        weight = nn.Parameter(torch.zeros(6, 10))
        made = Conditioned(DIMS, inner=inner, mode=mode).build(  # type: ignore[arg-type]
            {"w": weight}, {"w": Role.READ}
        )
        weight.grad = slope(0, (6, 10))
        made.step()
        moved.append(weight.detach())
    torch.testing.assert_close(moved[1], expected * moved[0])

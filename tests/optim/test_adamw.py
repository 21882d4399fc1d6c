"""AdamW over role groups: who decays, and the update against its formula."""

import math
from typing import Any

import pytest
import torch
from torch import nn

from partbench.core.config import Config
from partbench.core.dims import resolve
from partbench.core.errors import ConfigError
from partbench.core.numerics import Numerics
from partbench.core.roles import Role
from partbench.models import accounting
from partbench.models.build import build
from partbench.optim.adamw import AdamW
from partbench.optim.groups import DECAYED, by_role, decay_of

DIMS = resolve(depth=1, width=32, context=4)


def by_decay(weights: Any, roles: Any, decay: float) -> list[dict[str, Any]]:
    """Two groups, as AdamW makes them."""
    return by_role(
        weights, roles, lambda role: {"share": 1.0, "weight_decay": decay_of(role, decay, 1.0)}
    )


def named(**roles: Role) -> tuple[dict[str, nn.Parameter], dict[str, Role]]:
    return {name: nn.Parameter(torch.ones(2)) for name in roles}, roles


def test_only_matrices_and_tables_decay() -> None:
    weights, roles = named(**{role.value: role for role in Role})
    decay = {
        name: group["weight_decay"]
        for group in by_decay(weights, roles, 0.3)
        for name in group["names"]
    }
    decaying = {"embedding", "read", "write", "head"}
    assert decay == {role.value: 0.3 if role.value in decaying else 0.0 for role in Role}
    assert {role.value for role in DECAYED} == decaying


def test_groups_are_exact_and_disjoint_on_a_whole_model() -> None:
    config = Config({"dims": {"depth": 2, "width": 32, "context": 16}}).edit(
        {"residual": "hyper_connections", "mixer.bias": True, "norm": "layernorm"}
    )
    model = build(config.resolved, vocab=32, seed=0, numerics=Numerics())
    roles = accounting.roles(model)
    groups = by_decay(dict(model.named_parameters()), roles, 0.1)
    names = [name for group in groups for name in group["names"]]
    assert sorted(names) == sorted(name for name, _ in model.named_parameters())
    assert len(names) == len(set(names))
    for group in groups:
        assert [id(model.get_parameter(name)) for name in group["names"]] == [
            id(weight) for weight in group["params"]
        ]
        assert group["share"] == 1.0
        for name in group["names"]:
            spared = roles[name] in (Role.GAIN, Role.BIAS, Role.MIXING)
            assert (group["weight_decay"] == 0.0) is spared, name


def test_the_order_of_parameters_does_not_matter() -> None:
    weights, roles = named(b=Role.READ, a=Role.READ, c=Role.GAIN)
    turned = dict(reversed(weights.items()))
    for one, other in zip(by_decay(weights, roles, 0.1), by_decay(turned, roles, 0.1), strict=True):
        assert one["names"] == other["names"]
        assert all(a is b for a, b in zip(one["params"], other["params"], strict=True))


def test_an_empty_group_is_left_out() -> None:
    assert len(by_decay(*named(a=Role.GAIN), 0.1)) == 1


@pytest.mark.parametrize("role", [Role.READ, Role.GAIN])
def test_the_update_is_the_papers(role: Role) -> None:
    weight = nn.Parameter(torch.tensor([1.0, -2.0], dtype=torch.float64))
    recipe = AdamW(DIMS, rate=0.1, beta1=0.8, beta2=0.9, eps=1e-3, weight_decay=0.5)
    optimizer = recipe.build({"w": weight}, {"w": role})
    w, m, v = [1.0, -2.0], [0.0, 0.0], [0.0, 0.0]
    for step, slope in enumerate([(0.5, 1.0), (-0.25, 3.0), (2.0, -1.0)], start=1):
        weight.grad = torch.tensor(slope, dtype=torch.float64)
        optimizer.step()
        for i, g in enumerate(slope):
            m[i] = 0.8 * m[i] + 0.2 * g
            v[i] = 0.9 * v[i] + 0.1 * g * g
            w[i] -= 0.1 * (0.5 if role is Role.READ else 0.0) * w[i]
            corrected = math.sqrt(v[i] / (1 - 0.9**step)) + 1e-3
            w[i] -= 0.1 * (m[i] / (1 - 0.8**step)) / corrected
    assert weight.tolist() == pytest.approx(w, rel=1e-12)


@pytest.mark.parametrize(
    ("name", "value"),
    [("rate", 0.0), ("rate", -1.0), ("beta1", 1.0), ("beta2", -0.1), ("eps", -1.0)],
)
def test_a_setting_out_of_its_range_is_refused_before_any_cell(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=rf"optimizer\.{name}: {value}"):
        assert Config({"optimizer": {name: value}}).resolved

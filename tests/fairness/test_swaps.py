"""Whatever is swapped, nothing else moves: not values, tokens or others' draws."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from partbench.core import menu
from partbench.core.cell import Cell
from partbench.core.config import Config
from partbench.core.numerics import Numerics
from partbench.models.build import build
from partbench.testing.subject import BUILT, DIMS, Subject
from partbench.train.loop import Run

BASE = Config(
    {
        "dims": DIMS,
        "task": {"evaluation_tokens": 64},
        "train": {"steps": 3, "batch": 4, "accumulate": 2, "evaluations": 1},
    }
)
SWAPS = [
    pytest.param(slot, name, id=f"{slot}={name}")
    for slot in (*BUILT, "optimizer", "schedule")
    for name in menu.names(slot)
    if "train" in menu.find("model", name if slot == "model" else "transformer").constants["PHASES"]
    if not Subject(slot, name).seeing
]
"""Every single-slot swap of the base; `init` and `task` are left out: they are about these.
Models of pictures are in tests/tasks/test_images.py."""


def model(config: Config, seed: int = 0) -> nn.Module:
    return build(config.resolved, vocab=256, seed=seed, numerics=Numerics())


@cache
def base_start() -> dict[str, Tensor]:
    return {n: p.detach().clone() for n, p in model(BASE).named_parameters()}


@pytest.mark.parametrize(("slot", "name"), SWAPS)
def test_every_parameter_both_arms_have_is_equal_at_step_0(slot: str, name: str) -> None:
    shared = 0
    for parameter, value in model(BASE.edit({slot: name})).named_parameters():
        other = base_start().get(parameter)
        if other is not None and other.shape == value.shape:
            assert torch.equal(value, other), parameter
            shared += value.numel()
    if slot != "model":  # another model may have no parameter of the base's
        assert shared > 0.3 * sum(value.numel() for value in base_start().values())


def test_another_seed_moves_every_drawn_parameter() -> None:
    other = dict(model(BASE, seed=1).named_parameters())
    same = [name for name, value in base_start().items() if torch.equal(value, other[name])]
    assert same == [name for name in base_start() if name.endswith("gain")]


def test_size_swaps_keep_what_keeps_its_shape() -> None:
    deeper = dict(model(BASE.edit({"dims.depth": 3, "init": "normal"})).named_parameters())
    plain = dict(model(BASE.edit({"init": "normal"})).named_parameters())
    for name, value in plain.items():
        if deeper[name].shape == value.shape:
            assert torch.equal(deeper[name], value), name


def tokens_seen(config: Config, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Inputs, targets and weights of every training step, in order, as the model gets them."""
    cell = Cell(config=config.resolved, seed=5, numerics={"precision": "float32"}, torch="")
    run, seen = Run(cell, folder), []
    score = run.model.score

    def spy(batch: Any) -> Any:
        if torch.is_grad_enabled():
            seen.append([item.tolist() for item in batch])
        return score(batch)

    monkeypatch.setattr(run.model, "score", spy)
    for step in range(3):
        run._step(step, 3)
    return seen


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    with pytest.MonkeyPatch.context() as patch:
        return tokens_seen(BASE, tmp_path_factory.mktemp("base"), patch)


@pytest.mark.parametrize(("slot", "name"), SWAPS)
def test_every_arm_sees_the_same_tokens_in_the_same_order(
    slot: str,
    name: str,
    expected: list[Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert len(expected) == 6, "three steps of two pieces"
    assert expected[0] != expected[2]
    assert tokens_seen(BASE.edit({slot: name}), tmp_path / "arm", monkeypatch) == expected


def test_building_leaves_the_global_random_state_as_it_was() -> None:
    torch.manual_seed(11)
    before = torch.random.get_rng_state()
    model(BASE.edit(residual="hyper_connections", ffn="mlp"))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_what_ran_before_does_not_matter() -> None:
    torch.manual_seed(3)
    model(BASE.edit(ffn="mlp"), seed=9)
    torch.rand(5)
    for name, value in model(BASE).named_parameters():
        assert torch.equal(value, base_start()[name]), name


OWN = '''"""A part that draws from torch's global state. Source: this test."""
import torch
from torch import nn
from partbench.core.roles import Role

class Own(nn.Module):
    ROLES = {"own": Role.SCALAR, "up.weight": Role.READ}
    def __init__(self, dims, *, draws: int = 1):
        super().__init__()
        torch.rand(draws)
        self.own = nn.Parameter(torch.randn(dims.width))
        self.up = nn.Linear(dims.width, dims.width, bias=False)
    def forward(self, x, flow): return self.up(x) * self.own
'''


@pytest.fixture
def own(tmp_path: Path) -> str:
    (tmp_path / "own.py").write_text(OWN)
    return f"{tmp_path / 'own.py'}:Own"


def test_an_outsiders_draws_change_nothing_else(own: str) -> None:
    for draws in (1, 100):
        for name, value in model(
            BASE.edit({"ffn": {"part": own, "draws": draws}})
        ).named_parameters():
            if not name.startswith("ffns."):
                assert torch.equal(value, base_start()[name]), name


def test_an_outsiders_draws_depend_on_the_seed_and_nothing_before(own: str) -> None:
    torch.manual_seed(1)
    first = model(BASE.edit(ffn=own))
    torch.rand(5)
    second, other = model(BASE.edit(ffn=own)), model(BASE.edit(ffn=own), seed=1)
    for layer in range(2):
        assert torch.equal(first.ffns[layer].own, second.ffns[layer].own)
        assert not torch.equal(first.ffns[layer].own, other.ffns[layer].own)
    assert not torch.equal(first.ffns[0].own, first.ffns[1].own)


@pytest.mark.parametrize(
    "swap",
    [
        {"residual": "post_norm"},
        {"mixer.bias": True},
        {"mixer.query_key_norm": True},
        {"position": "learned"},
        {"head": "tied"},
    ],
    ids=json.dumps,
)
def test_an_outsiders_draws_do_not_move_when_another_slot_is_swapped(
    own: str, swap: dict[str, Any]
) -> None:
    base = model(BASE.edit(ffn=own))
    arm = model(BASE.edit(ffn=own).edit(swap))
    for layer in range(2):
        assert torch.equal(base.ffns[layer].own, arm.ffns[layer].own), f"layer {layer}"


NORM = '''"""A norm that draws its gain. Source: this test."""
import torch
from torch import nn
from partbench.core.roles import Role

class Own(nn.Module):
    ROLES = {"own": Role.GAIN}
    def __init__(self, width):
        super().__init__()
        self.own = nn.Parameter(torch.randn(width))
    def forward(self, x): return x * self.own
'''


def gains(swap: dict[str, Any], file: Path) -> dict[str, Tensor]:
    file.write_text(NORM)
    config = BASE.edit({"norm": f"{file}:Own"}).edit(swap)
    return {n: p for n, p in model(config).named_parameters() if n.endswith(".own")}


def test_a_part_that_is_built_in_many_places_draws_anew_in_each(tmp_path: Path) -> None:
    found = list(gains({"mixer.query_key_norm": True}, tmp_path / "norm.py").values())
    assert len(found) == 9
    for i, one in enumerate(found):
        for other in found[:i]:
            assert one.shape != other.shape or not torch.equal(one, other)


@pytest.mark.parametrize(
    "swap", [{"mixer.query_key_norm": True}, {"dims.depth": 3}, {"ffn": "mlp"}], ids=json.dumps
)
def test_its_draws_depend_on_the_place_and_not_on_what_was_built_before(
    swap: dict[str, Any], tmp_path: Path
) -> None:
    base, arm = gains({}, tmp_path / "norm.py"), gains(swap, tmp_path / "norm.py")
    for name in base.keys() - {"residual.final.own"}:
        assert torch.equal(base[name], arm[name]), name

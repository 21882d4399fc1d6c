"""The plain residuals against their formulas, and where initial values come from."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from partbench.core import rng
from partbench.core.config import Config
from partbench.core.dims import resolve
from partbench.core.numerics import Numerics
from partbench.core.roles import DRAWN, Role
from partbench.models import accounting
from partbench.models.build import build
from partbench.parts.flow import Flow
from partbench.parts.init.depth_scaled import DepthScaled
from partbench.parts.init.normal import Normal

TOKENS = torch.arange(16).view(2, 8)


def model(residual: str, **changes: Any) -> nn.Module:
    config = Config({"dims": {"depth": 2, "width": 32, "num_heads": 4, "context": 8}})
    tree = config.edit(changes, residual=residual, norm="layernorm").resolved
    made = build(tree, vocab=32, seed=0, numerics=Numerics(precision="float64"))
    with torch.no_grad():
        for name, weight in made.named_parameters():
            noise = torch.from_numpy(rng.normal(1, name, tuple(weight.shape)))
            weight.add_(0.3 * noise)
    return made


def normed(x: Tensor, norm: nn.Module) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    return centred / (centred.square().mean(-1, keepdim=True) + norm.eps).sqrt() * norm.gain


def sublayers(made: nn.Module) -> list[Any]:
    flow = Flow(TOKENS, torch.arange(8), made.position)
    layers = zip(made.mixers, made.ffns, strict=True)
    return [(lambda u, part=part: part(u, flow)) for pair in layers for part in pair]


def test_pre_norm_adds_what_is_made_of_the_normed_stream() -> None:
    made = model("pre_norm")
    h = made.embedding.weight[TOKENS]
    for branch, norm in zip(sublayers(made), made.residual.norms, strict=True):
        h = h + branch(normed(h, norm))
    expected = normed(h, made.residual.final) @ made.head.weight.T
    torch.testing.assert_close(made(TOKENS), expected, rtol=0, atol=1e-11)


def test_post_norm_norms_the_sum() -> None:
    made = model("post_norm")
    h = made.embedding.weight[TOKENS]
    for branch, norm in zip(sublayers(made), made.residual.norms, strict=True):
        h = normed(h + branch(h), norm)
    torch.testing.assert_close(made(TOKENS), h @ made.head.weight.T, rtol=0, atol=1e-11)


@pytest.mark.parametrize(("residual", "norms"), [("pre_norm", 5), ("post_norm", 4)])
def test_the_number_of_norms_is_that_of_the_paper(residual: str, norms: int) -> None:
    assert sum("gain" in name for name, _ in model(residual).named_parameters()) == norms


DIMS = resolve(depth=8, width=32, context=8)
DRAW = torch.from_numpy(rng.normal(0, "a", (300, 300)))


@pytest.mark.parametrize("role", sorted(DRAWN))
def test_depth_scaled_shrinks_writes_by_the_root_of_their_number_and_nothing_else(
    role: Role,
) -> None:
    value = DepthScaled(DIMS, std=0.05, cut=0.0).value(DRAW, role)
    factor = 0.05 / math.sqrt(2 * 8) if role is Role.WRITE else 0.05
    torch.testing.assert_close(value, DRAW * factor)


@pytest.mark.parametrize("kind", [Normal, DepthScaled])
def test_the_cut_is_in_standard_deviations(kind: type) -> None:
    value = kind(DIMS, std=0.02, cut=2.0).value(DRAW, Role.READ)
    assert value.abs().max().item() == pytest.approx(0.04)
    inside = DRAW.abs() < 2
    torch.testing.assert_close(value[inside], 0.02 * DRAW[inside])


@pytest.mark.parametrize("kind", [Normal, DepthScaled])
def test_the_spread_of_what_is_drawn_is_the_one_asked_for(kind: type) -> None:
    assert kind(DIMS).value(DRAW, Role.EMBEDDING).std().item() == pytest.approx(0.02, rel=0.02)


def test_a_fresh_model_has_its_gains_at_one_its_biases_at_zero_and_the_rest_drawn() -> None:
    config = Config({"dims": {"depth": 2, "width": 32, "num_heads": 4, "context": 8}}).edit(
        {"mixer.bias": True, "ffn": {"part": "mlp", "bias": True}, "position": "learned"}
    )
    made = build(config.resolved, vocab=32, seed=3, numerics=Numerics())
    for name, role in accounting.roles(made).items():
        weight = made.get_parameter(name)
        if role is Role.GAIN:
            assert (weight == 1).all(), name
        elif role is Role.BIAS:
            assert (weight == 0).all(), name
        else:
            draw = torch.from_numpy(rng.normal(3, name, tuple(weight.shape)))
            assert torch.equal(weight, DepthScaled(made.dims).value(draw, role)), name

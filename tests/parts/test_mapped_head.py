"""A head whose probabilities are those of a router part."""

import math

import pytest
import torch

from partbench.core.dims import Dims
from partbench.core.roles import Role
from partbench.parts.head.linear import LinearHead
from partbench.parts.head.mapped import MappedHead
from partbench.parts.init.fan_in import FanIn
from partbench.parts.router import PARTS

SIZES = Dims(depth=1, width=6, num_heads=1, num_kv_heads=1, head_width=6, context=4, vocab=5)


def head(router, **settings):
    made = MappedHead(SIZES, router, **settings).double()
    with torch.no_grad():
        made.weight.copy_(torch.randn(5, 6, generator=torch.Generator().manual_seed(3)).double())
    return made


@pytest.fixture
def x():
    return torch.randn(3, 4, 6, generator=torch.Generator().manual_seed(4)).double()


def test_with_softmax_it_is_the_linear_head(x):
    made, linear = head(PARTS["softmax"]), LinearHead(SIZES, None, z_loss=0.0).double()
    linear.weight = made.weight
    targets, weights = torch.arange(12).view(3, 4) % 5, torch.ones(3, 4)
    mine, theirs = made.score(x, targets, weights), linear.score(x, targets, weights)
    assert torch.allclose(mine.nll, theirs[0], atol=1e-9)
    slopes = [torch.autograd.grad(nll.sum(), made.weight)[0] for nll in (mine.nll, theirs[0])]
    assert torch.allclose(*slopes, atol=1e-9)
    assert torch.equal(mine.correct, linear(x).argmax(-1) == targets)
    assert torch.allclose(mine.confidence, linear(x).softmax(-1).amax(-1))


@pytest.mark.parametrize("name", PARTS)
def test_every_map_gives_probabilities(name, x):
    built = (lambda: PARTS[name](SIZES)) if name == "sigmoid" else PARTS[name]
    known = head(built)(x)
    assert known.isfinite().all()
    assert torch.allclose(known.exp().sum(-1), torch.ones(3, 4).double(), atol=1e-9)


def test_a_share_of_nothing_costs_what_the_floor_says():
    made = MappedHead(SIZES, PARTS["sparsemax"], floor=1e-3).double()
    with torch.no_grad():
        made.weight.zero_()
        made.weight[0, 0] = 50.0
    x = torch.zeros(1, 1, 6).double()
    x[..., 0] = 1.0
    answer = made.score(x, torch.tensor([[2]]), torch.ones(1, 1))
    assert answer.nll.item() == pytest.approx(-math.log(1e-3 / 5))
    assert not answer.correct.item()


def test_an_unsure_map_is_less_sure(x):
    sure = {
        name: head(PARTS[name])(4 * x).amax(-1).exp().mean() for name in ("softmax", "shiftmax")
    }
    assert sure["shiftmax"] < sure["softmax"]


def test_starting_values_keep_the_size_of_what_is_read():
    draw = torch.randn(400, 900, generator=torch.Generator().manual_seed(5))
    x = torch.randn(900, generator=torch.Generator().manual_seed(6))
    for variance in (2.0, 1.0, 1 / 3):
        made = FanIn(SIZES, variance=variance, cut=0.0).value(draw, Role.READ) @ x
        assert made.var().item() == pytest.approx(variance * x.square().mean().item(), rel=0.15)
    assert FanIn(SIZES, cut=0.0).value(draw, Role.HEAD).std().item() == pytest.approx(
        1 / 30, rel=0.02
    )

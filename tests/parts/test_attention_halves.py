"""Attention in halves is attention: values, gradients, second gradients, and when it is taken."""

from typing import Any

import pytest
import torch
from torch import Tensor

from partbench.core.dims import Dims
from partbench.core.numerics import Numerics
from partbench.parts.flow import Flow
from partbench.parts.mixer import scored_sum
from partbench.parts.mixer.attention import Attention
from partbench.parts.mixer.halves import in_halves
from partbench.parts.norm.rmsnorm import RMSNorm
from partbench.parts.position.alibi import ALiBi
from partbench.parts.position.none import NoPosition
from partbench.parts.probability.softmax import Softmax
from partbench.parts.probability.softmax1 import Softmax1


def three(time: int, value_width: int = 4, dtype: torch.dtype = torch.float64) -> list[Tensor]:
    draw = torch.Generator().manual_seed(time)
    sizes = (4, 4, value_width)
    made = [torch.randn(2, time, 3, size, generator=draw, dtype=torch.float64) for size in sizes]
    # As they come out of the maps: heads before time, in another order in memory.
    return [one.to(dtype).transpose(1, 2).requires_grad_() for one in made]


def formula(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    future = torch.ones(query.shape[2], query.shape[2], dtype=torch.bool).triu(1)
    return (scale * query @ key.mT).masked_fill(future, -torch.inf).softmax(-1) @ value


@pytest.mark.parametrize("time", [2, 3, 8, 17])
@pytest.mark.parametrize("value_width", [4, 6])
def test_it_is_the_formula_and_so_is_its_derivative(time: int, value_width: int) -> None:
    given = three(time, value_width)
    found, expected = in_halves(*given, 0.3), formula(*given, 0.3)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-13)
    outer = torch.randn(found.shape, dtype=torch.float64)
    for one, other in zip(
        torch.autograd.grad(found, given, outer),
        torch.autograd.grad(expected, given, outer),
        strict=True,
    ):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-13)


def test_it_can_be_differentiated_twice() -> None:
    given = [one.detach().requires_grad_() for one in three(5)]
    assert torch.autograd.gradgradcheck(lambda *x: in_halves(*x, 0.3), given)


def test_in_bfloat16_it_is_as_near_as_both_products_are() -> None:
    wide = three(64)
    exact = formula(*wide, 0.5)
    narrow = [one.detach().bfloat16().requires_grad_() for one in wide]

    def errors(found: Tensor) -> list[float]:
        slopes = torch.autograd.grad(found.float().square().sum(), narrow)
        true = torch.autograd.grad(exact.square().sum(), wide, retain_graph=True)
        gaps = [
            float((a.double() - b).norm() / b.norm()) for a, b in zip(slopes, true, strict=True)
        ]
        return [float((found.double() - exact).detach().norm() / exact.detach().norm()), *gaps]

    for ours, plain in zip(
        errors(in_halves(*narrow, 0.5)), errors(formula(*narrow, 0.5)), strict=True
    ):
        assert ours < 1.5 * plain < 0.05


@pytest.mark.parametrize(
    ("settings", "probability", "position", "kv_heads", "taken"),
    [
        ({}, Softmax, NoPosition, 2, True),
        ({}, Softmax, NoPosition, 1, False),
        ({"window": 3}, Softmax, NoPosition, 2, False),
        ({"cap": 5.0}, Softmax, NoPosition, 2, False),
        ({}, Softmax1, NoPosition, 2, False),
        ({}, Softmax, ALiBi, 2, False),
    ],
)
def test_it_is_taken_where_all_is_plain(
    settings: Any, probability: Any, position: Any, kv_heads: int, taken: bool, monkeypatch
) -> None:
    calls: list[int] = []
    monkeypatch.setattr(
        scored_sum, "in_halves", lambda *given: (calls.append(1), in_halves(*given))[1]
    )
    dims = Dims(
        depth=1, width=8, num_heads=2, num_kv_heads=kv_heads, head_width=4, context=6, vocab=16
    )
    numerics = Numerics(attention="halves")
    torch.manual_seed(0)
    part = Attention(dims, numerics, RMSNorm, probability, **settings)
    place = position(dims) if position is ALiBi else position()
    x = torch.randn(2, 6, 8)
    flow = Flow(torch.zeros(2, 6).long(), torch.arange(6), place)
    found = part(x, flow)
    assert bool(calls) is taken
    part.sum.halved = False
    torch.testing.assert_close(
        found, part(x, Flow(flow.tokens, flow.positions, place)), rtol=0, atol=1e-6
    )

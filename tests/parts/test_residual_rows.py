"""Sums over vectors side by side have the derivatives of plain sums, however they are asked."""

import pytest
import torch
from torch import Tensor

from partbench.parts.residual.rows import Rows, begin, side_by_side
from partbench.parts.residual.weighted import plain_sum

SHAPE = (2, 3, 4)


class Plain(tuple[Tensor, ...]):
    """The same calls, with torch's own derivatives."""

    def add(self, vector: Tensor) -> "Plain":
        return Plain((*self, vector))

    def sum(self, weights: Tensor) -> Tensor:
        return plain_sum(weights, self)


def leaves() -> tuple[list[Tensor], list[Tensor]]:
    generator = torch.Generator().manual_seed(3)
    numbers = [torch.randn(SHAPE, generator=generator, dtype=torch.float64) for _ in range(4)]
    weights = [torch.randn(n, generator=generator, dtype=torch.float64) for n in (1, 2, 3, 3)]
    return [v.requires_grad_() for v in numbers], [w.requires_grad_() for w in weights]


def chain(rows: Rows | Plain, numbers: list[Tensor], weights: list[Tensor]) -> list[Tensor]:
    """Each vector reads the ones before it, as sublayers do; every sum."""
    sums = []
    for number, own in zip(numbers[1:], weights[:-1], strict=True):
        sums.append(rows.sum(own))
        if len(own) < 3:
            rows = rows.add(torch.sin(sums[-1] * number))
    return [*sums, rows.sum(weights[-1])]


def both() -> tuple[list[list[Tensor]], list[list[Tensor]]]:
    """Sums and leaves, side by side and plain."""
    sums, given = [], []
    for make in (lambda x: begin(x, 4), lambda x: Plain((x,))):
        numbers, weights = leaves()
        sums.append(chain(make(numbers[0] * 1.0), numbers, weights))
        given.append([*numbers, *weights])
    return sums, given


def same(ours: list[Tensor | None], theirs: list[Tensor | None]) -> None:
    for one, other in zip(ours, theirs, strict=True):
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


def test_derivatives_are_those_of_plain_sums() -> None:
    sums, given = both()
    same(sums[0], sums[1])
    same(*(torch.autograd.grad((s[-1] ** 3).sum() + s[1].sum(), g, allow_unused=True)
           for s, g in zip(sums, given, strict=True)))  # fmt: skip


def test_a_second_pass_back_over_the_graph_counts_nothing_twice() -> None:
    """The first pass leaves what the second, from another place, must not find."""
    sums, given = both()
    found = []
    for s, g in zip(sums, given, strict=True):
        (s[-1] ** 2).sum().backward(retain_graph=True)
        s[1].sum().backward(retain_graph=True)
        (s[-1] ** 2).sum().backward()
        found.append([leaf.grad for leaf in g])
    same(*found)


def test_it_can_be_differentiated_twice() -> None:
    found = []
    for s, g in zip(*both(), strict=True):
        first = torch.autograd.grad((s[-1] ** 3).sum(), g[:3], create_graph=True)
        second = torch.autograd.grad(sum((f**2).sum() for f in first), g, allow_unused=True)
        found.append(list(second))
    same(*found)


def test_two_futures_of_one_past_do_not_mix() -> None:
    found = []
    for make in (lambda x: begin(x, 4), lambda x: Plain((x,))):
        numbers, _ = leaves()
        past = make(numbers[0] * 1.0).add(numbers[1] * 1.0)
        weights = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
        one, two = past.add(numbers[2] * 1.0), past.add(numbers[3] * 1.0)
        total = (one.sum(weights) ** 2 + two.sum(weights) ** 3).sum()
        found.append(list(torch.autograd.grad(total, numbers)))
    same(*found)


@pytest.mark.parametrize("frozen", [0, 1, 2])
def test_what_is_frozen_gets_nothing_and_the_rest_all(frozen: int) -> None:
    found = []
    for make in (lambda x: begin(x, 4), lambda x: Plain((x,))):
        numbers, weights = leaves()
        numbers[frozen].requires_grad_(False)
        sums = chain(make(numbers[0] * 1.0), numbers, weights)
        (sums[-1] ** 2).sum().backward()
        found.append([leaf.grad for leaf in (*numbers, *weights)])
    same(*found)


def test_vectors_lie_side_by_side_and_a_stranger_is_copied() -> None:
    first, second = torch.ones(SHAPE), 2 * torch.ones(SHAPE)
    rows = begin(first, 2).add(second)
    where = side_by_side(rows.vectors)
    assert where.data_ptr() == rows.vectors[0].data_ptr()
    assert where[1].eq(2).all()
    copied = side_by_side((rows.vectors[1], first))
    assert copied[0].eq(2).all()
    assert copied[1].eq(1).all()
    assert copied.data_ptr() != where.data_ptr()

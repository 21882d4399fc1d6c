"""Counts of pairs against a dense table of them."""

import pytest
import torch

from partbench.parts import pairs as module
from partbench.parts.pairs import Pairs


def drawn(number, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return tuple(torch.randint(0, most, (number,), generator=generator) for most in (6, 4))


def dense(left, right, weights=1.0):
    table = torch.zeros(6, 4, dtype=torch.float64)
    values = torch.as_tensor(weights, dtype=torch.float64).expand(len(left))
    return table.index_put((left, right), values, accumulate=True)


@pytest.mark.parametrize("pending", [1, 30, 1 << 22])
def test_counts_and_their_sums_are_those_of_a_dense_table(pending, monkeypatch):
    monkeypatch.setattr(module, "PENDING", pending)
    left, right = drawn(200)
    found = Pairs(6, 4)
    for some, other in zip(left.split(17), right.split(17), strict=True):
        found.add(some, other)
    a, b, number = found.counts()
    assert torch.equal(dense(a, b, number), dense(left, right))
    assert len({*zip(a.tolist(), b.tolist(), strict=True)}) == len(a)
    table = torch.rand(4, 3, dtype=torch.float64)
    assert torch.allclose(found.through(table), dense(left, right) @ table)


def test_shards_add_up_and_weights_take_away():
    left, right = drawn(100)
    whole, one, other = (Pairs(6, 4) for _ in range(3))
    whole.add(left, right)
    one.add(left[:30], right[:30])
    other.add(left[30:], right[30:], torch.full((70,), 1.0))
    one.merge(other)
    table = torch.eye(4, dtype=torch.float64)
    assert torch.equal(one.through(table), whole.through(table))
    whole.add(left[30:], right[30:], -1.0)
    assert torch.equal(whole.through(table), dense(left[:30], right[:30]))


def test_nothing_counted_is_nothing():
    assert Pairs(6, 4).through(torch.rand(4, 3)).tolist() == torch.zeros(6, 3).tolist()

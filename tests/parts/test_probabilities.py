"""Maps from scores to weights: each against its formula, and where it is not defined."""

import math
import sys

import pytest
import torch
from torch import Tensor

from partbench.core.dims import resolve
from partbench.core.errors import ConfigError
from partbench.parts.probability.entmax15 import Entmax15
from partbench.parts.probability.relu import ReLU
from partbench.parts.probability.sigmoid import Sigmoid
from partbench.parts.probability.sinks import Sinks
from partbench.parts.probability.softmax1 import Softmax1
from partbench.parts.probability.sparsemax import Sparsemax
from partbench.parts.probability.spherical import SphericalSoftmax
from partbench.parts.probability.taylor import TaylorSoftmax
from partbench.parts.probability.tempered_softmax import TemperedSoftmax

DIMS = resolve(depth=1, width=32, num_heads=4, context=16)
HIDDEN = torch.ones(5, 5).triu(1).bool()


def scores(size: float = 3.0) -> Tensor:
    drawn = torch.randn(2, 4, 5, 5, generator=torch.Generator().manual_seed(0)).double()
    return (size * drawn).masked_fill(HIDDEN, -torch.inf)


def rows(part: torch.nn.Module) -> list[tuple[Tensor, Tensor]]:
    """Visible scores and their weights, row by row."""
    given, found = scores(), part(scores())
    index = [(b, h, t) for b in range(2) for h in range(4) for t in range(5)]
    return [(given[b, h, t, : t + 1], found[b, h, t, : t + 1]) for b, h, t in index]


@pytest.mark.parametrize(
    ("part", "formula"),
    [
        (Softmax1(), lambda s: s.exp() / (1 + s.exp().sum())),
        (TemperedSoftmax(temperature=2.5), lambda s: (s / 2.5).softmax(0)),
        (Sigmoid(DIMS), lambda s: 1 / (1 + (math.log(16) - s).exp())),
        (Sigmoid(DIMS, bias=0.0), torch.sigmoid),
        (ReLU(), lambda s: s.clamp_min(0) / len(s)),
        (ReLU(power=0.5), lambda s: s.clamp_min(0) / len(s) ** 0.5),
        (TaylorSoftmax(), lambda s: (1 + s + s**2 / 2) / (1 + s + s**2 / 2).sum()),
        (SphericalSoftmax(eps=0.1), lambda s: (s**2 + 0.1) / (s**2 + 0.1).sum()),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_map_is_its_formula_over_what_may_be_seen(part, formula) -> None:
    for visible, weights in rows(part):
        torch.testing.assert_close(weights, formula(visible), rtol=0, atol=1e-14)


def test_sinks_are_one_more_score_a_head() -> None:
    part = Sinks(DIMS).double()
    with torch.no_grad():
        part.level.copy_(torch.tensor([-1.0, 0.0, 1.0, 2.0]))
    found = part(scores())
    for head in range(4):
        sink = part.level[head].expand(2, 5, 1)
        expected = torch.cat([scores()[:, head], sink], dim=-1).softmax(-1)[..., :-1]
        torch.testing.assert_close(found[:, head], expected, rtol=0, atol=1e-14)
    assert torch.equal(Sinks(DIMS).double()(scores()), Softmax1()(scores()))


def test_a_sink_far_below_is_softmax_and_one_far_above_takes_all() -> None:
    for level, expected in ((-60.0, scores().softmax(-1)), (60.0, torch.zeros(2, 4, 5, 5))):
        found = Sinks(DIMS, start=level).double()(scores())
        torch.testing.assert_close(found, expected.double(), rtol=0, atol=1e-12)


def test_softmax1_neither_overflows_nor_vanishes() -> None:
    assert Softmax1()(torch.tensor([1e4, 0.0])).tolist() == [1.0, 0.0]
    assert Softmax1()(torch.tensor([-1e4, -1e4])).tolist() == [0.0, 0.0]


def test_sigmoids_bias_is_of_the_trained_length_not_of_the_text() -> None:
    part = Sigmoid(DIMS)
    long = torch.zeros(1, 4, 1, 64)
    assert part(long).unique().item() == pytest.approx(1 / 17)


@pytest.mark.parametrize(("part", "power"), [(Sparsemax(), 1), (Entmax15(), 2)])
def test_sparse_maps_are_a_clipped_power_of_scores_less_a_threshold(part, power: int) -> None:
    sparse = 0
    for visible, weights in rows(part):
        assert weights.sum().item() == pytest.approx(1.0, abs=1e-10)
        kept = weights > 0
        root = weights[kept] ** (1 / power)
        threshold = visible[kept] / power - root  # the same for all that are kept
        assert (threshold - threshold[0]).abs().max() < 1e-7
        assert (visible[~kept] / power <= threshold[0] + 1e-7).all()
        sparse += int((~kept).any())
    assert sparse > 10


@pytest.mark.parametrize("part", [Sparsemax, Entmax15])
def test_a_sparse_map_without_its_package_says_what_to_install(part, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "entmax", None)
    with pytest.raises(ConfigError, match=r"pip install 'partbench\[sparse\]'"):
        part()


def test_the_spherical_map_gives_equal_weights_where_all_scores_are_zero() -> None:
    assert SphericalSoftmax()(torch.zeros(4)).tolist() == [0.25] * 4

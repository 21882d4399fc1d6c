"""kappa-ShiftMax: what the note that names it promises, held against an oracle, and its traps."""

import itertools

import pytest
import torch
from torch import Tensor

from partbench.parts.probability.shiftmax import ShiftMax

KINDS = list(itertools.product((1.0, 2.0, 3.5), ("max", "mean")))


def scores(*shape: int, size: float = 3.0, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return size * torch.randn(*shape, generator=generator, dtype=torch.float64)


def oracle(s: Tensor, power: float, centre: str) -> Tensor:
    c = s.amax(-1, keepdim=True) if centre == "max" else s.mean(-1, keepdim=True)
    return (power * torch.asinh((s - c) / power)).softmax(-1)


@pytest.mark.parametrize(("power", "centre"), KINDS)
def test_it_is_softmax_of_compressed_scores(power: float, centre) -> None:
    s = scores(50, 8)
    found = ShiftMax(power=power, centre=centre)(s)
    torch.testing.assert_close(found, oracle(s, power, centre), rtol=0, atol=1e-14)
    assert (found.sum(-1) - 1).abs().max() < 1e-14
    assert (found > 0).all()
    assert torch.equal(found.argsort(-1), s.argsort(-1))


@pytest.mark.parametrize(("power", "centre"), KINDS)
def test_a_constant_on_all_scores_changes_nothing(power: float, centre) -> None:
    part, s = ShiftMax(power=power, centre=centre), scores(50, 8)
    torch.testing.assert_close(part(s + 1000.0), part(s), rtol=0, atol=1e-12)
    order = torch.tensor([3, 1, 7, 0, 2, 6, 5, 4])
    torch.testing.assert_close(part(s[:, order]), part(s)[:, order], rtol=0, atol=1e-15)


@pytest.mark.parametrize(("power", "centre"), KINDS)
def test_its_derivative_is_that_of_finite_differences(power: float, centre) -> None:
    part, s = ShiftMax(power=power, centre=centre), scores(4, 5).requires_grad_()
    assert torch.autograd.gradcheck(part, (s,))
    assert torch.autograd.gradgradcheck(part, (s,))
    hidden = scores(4, 5).masked_fill(torch.ones(4, 5).triu(2).bool(), -torch.inf)

    def masked(given: Tensor) -> Tensor:
        return part(torch.where(hidden.isinf(), hidden, given))

    assert torch.autograd.gradcheck(masked, (scores(4, 5).requires_grad_(),))


@pytest.mark.parametrize(("power", "centre"), KINDS)
def test_equal_scores_have_a_gradient(power: float, centre) -> None:
    """The trap: through |u| or relu torch's derivative at u = 0 is 0, and a router never moves."""
    s = torch.zeros(3, 6, dtype=torch.float64, requires_grad=True)
    (ShiftMax(power=power, centre=centre)(s)[:, 0].sum()).backward()
    expected = torch.full((3, 6), -1 / 36, dtype=torch.float64)
    expected[:, 0] += 1 / 6  # of softmax at equal scores, as near them the two are one map
    torch.testing.assert_close(s.grad, expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("centre", ["max", "mean"])
def test_no_row_of_gradients_has_a_sum(centre) -> None:
    s = scores(40, 8).requires_grad_()
    weights = ShiftMax(centre=centre)(s)
    slope = torch.autograd.grad((weights * scores(40, 8, seed=1)).sum(), s)[0]
    assert slope.sum(-1).abs().max() < 1e-14


@pytest.mark.parametrize(("power", "centre"), KINDS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_it_is_finite_at_the_ends_of_float32(power: float, centre, dtype: torch.dtype) -> None:
    rows = [[3e38, -3e38, 0.0, 1.0], [-3e38] * 4, [3e38] * 4, [1e5, -1e5, -1e4, 0.0]]
    s = torch.tensor(rows, dtype=dtype, requires_grad=True)
    weights = ShiftMax(power=power, centre=centre)(s)
    weights[:, 1].sum().backward()
    assert weights.dtype == dtype
    assert weights.isfinite().all()
    assert s.grad.isfinite().all()


def test_far_below_the_largest_no_weight_is_lost() -> None:
    """u + sqrt(1 + u^2) as it stands is 0 at u = -1e4 in float32."""
    weights = ShiftMax(power=1.0)(torch.tensor([0.0, -1e4]))
    assert weights[1].item() == pytest.approx(0.5e-4, rel=1e-3)


@pytest.mark.parametrize(("power", "centre"), KINDS)
def test_what_is_hidden_might_as_well_not_be_there(power: float, centre) -> None:
    part, s = ShiftMax(power=power, centre=centre), scores(20, 6)
    s[:, [1, 4]] = -torch.inf
    found = part(s)
    seen = [0, 2, 3, 5]
    torch.testing.assert_close(found[:, seen], part(s[:, seen]), rtol=0, atol=1e-15)
    assert (found[:, [1, 4]] == 0).all()
    nothing = torch.full((1, 4), -torch.inf, dtype=torch.float64, requires_grad=True)
    part(nothing).sum().backward()
    assert torch.equal(nothing.grad, torch.zeros(1, 4).double())


def test_with_the_largest_as_centre_it_does_not_matter_when_the_top_k_are_taken() -> None:
    s = scores(30, 8)
    chosen = s.topk(3, dim=-1).indices
    all_then_chosen = ShiftMax()(s).gather(-1, chosen)
    all_then_chosen /= all_then_chosen.sum(-1, keepdim=True)
    chosen_then_all = ShiftMax()(s.gather(-1, chosen))
    torch.testing.assert_close(all_then_chosen, chosen_then_all, rtol=0, atol=1e-14)


def test_a_large_power_is_softmax_and_a_small_one_is_less_sure() -> None:
    s = scores(50, 8, size=1.0)
    near = ShiftMax(power=64.0, centre="mean")(s)
    torch.testing.assert_close(near, s.softmax(-1), rtol=0, atol=1e-3)
    sure = torch.tensor([10.0] + [0.0] * 7, dtype=torch.float64)
    assert ShiftMax()(sure).max() < 0.94 < 0.999 < sure.softmax(-1).max()


def test_a_gate_that_is_wrong_keeps_a_gradient() -> None:
    """Softmax's falls exponentially with the gap, this one's as a power of it."""
    sure = torch.tensor([20.0] + [0.0] * 7, dtype=torch.float64)
    sizes = []
    for part in (ShiftMax(power=1.0, centre="mean"), torch.nn.Softmax(-1)):
        jacobian = torch.autograd.functional.jacobian(part, sure)
        sizes.append(jacobian.norm().item())
    assert sizes[0] == pytest.approx(6e-3, rel=0.1)
    assert sizes[1] == pytest.approx(2e-8, rel=0.3)

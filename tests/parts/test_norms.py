"""Norms against their formulas, written again here."""

import pytest
import torch

from partbench.parts.norm.dynamic_erf import DynamicErf
from partbench.parts.norm.dynamic_tanh import DynamicTanh
from partbench.parts.norm.layernorm import LayerNorm
from partbench.parts.norm.rmsnorm import RMSNorm
from partbench.parts.norm.rmsnorm_about_one import RMSNormAboutOne

X = torch.randn(3, 5, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
GAIN = torch.linspace(0.5, 2.0, 8, dtype=torch.float64)
SHIFT = torch.linspace(-1.0, 1.0, 8, dtype=torch.float64)


def with_weights(norm: torch.nn.Module) -> torch.nn.Module:
    norm = norm.double()
    with torch.no_grad():
        norm.gain.copy_(GAIN)
        if getattr(norm, "shift", None) is not None:
            norm.shift.copy_(SHIFT)
    return norm


@pytest.mark.parametrize("eps", [1e-6, 0.1])
def test_rmsnorm_is_its_formula(eps: float) -> None:
    size = (X.square().sum(-1, keepdim=True) / 8 + eps).sqrt()
    found = with_weights(RMSNorm(8, eps=eps))(X)
    torch.testing.assert_close(found, X / size * GAIN, rtol=0, atol=1e-14)


@pytest.mark.parametrize("eps", [1e-5, 0.1])
@pytest.mark.parametrize("bias", [False, True])
def test_layernorm_is_its_formula_and_torchs(eps: float, bias: bool) -> None:
    centred = X - X.sum(-1, keepdim=True) / 8
    expected = centred / (centred.square().sum(-1, keepdim=True) / 8 + eps).sqrt() * GAIN
    expected = expected + SHIFT if bias else expected
    found = with_weights(LayerNorm(8, eps=eps, bias=bias))(X)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-13)
    theirs = torch.nn.functional.layer_norm(X, (8,), GAIN, SHIFT if bias else None, eps)
    torch.testing.assert_close(found, theirs, rtol=0, atol=1e-15)


def test_a_fresh_norm_brings_vectors_to_size_one() -> None:
    for norm in (RMSNorm(8), LayerNorm(8)):
        size = norm.double()(50 * X).square().mean(-1)
        torch.testing.assert_close(size, torch.ones_like(size), rtol=0, atol=1e-6)


def test_rmsnorm_ignores_scale_and_layernorm_offset_too() -> None:
    rms, layer = RMSNorm(8, eps=0.0).double(), LayerNorm(8, eps=0.0).double()
    torch.testing.assert_close(rms(3 * X), rms(X), rtol=0, atol=1e-13)
    torch.testing.assert_close(layer(3 * X + 7), layer(X), rtol=0, atol=1e-12)
    assert (rms(X + 7) - rms(X)).abs().max() > 0.1


@pytest.mark.parametrize("norm", [RMSNorm, LayerNorm])
def test_the_norm_of_bfloat16_is_computed_in_float32(norm: type[torch.nn.Module]) -> None:
    x = (1000 + 10 * X).bfloat16()
    exact = norm(8).double()(x.double())
    found = norm(8)(x).double()
    assert (found - exact).abs().max() < 2.0**-8 * exact.abs().max(), "rounded more than once"


def test_the_derivative_by_hand_is_that_of_the_formula_once_and_twice() -> None:
    norm = RMSNorm(8).double()
    generator = torch.Generator().manual_seed(0)
    norm.gain.data = torch.rand(8, generator=generator, dtype=torch.float64) + 0.5
    x = torch.randn(2, 3, 8, generator=generator, dtype=torch.float64, requires_grad=True)

    def apply(x: torch.Tensor, gain: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(norm, {"gain": gain}, (x,))

    assert torch.autograd.gradcheck(apply, (x, norm.gain))
    assert torch.autograd.gradgradcheck(apply, (x, norm.gain))


def test_the_fast_backward_equals_torchs_own() -> None:
    norm = RMSNorm(48).double()
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(2, 3, 48, generator=generator, dtype=torch.float64, requires_grad=True)
    outer = torch.randn(2, 3, 48, generator=generator, dtype=torch.float64)
    plain = torch.nn.functional.rms_norm(x, (48,), norm.gain, norm.eps)
    wanted = torch.autograd.grad((plain * outer).sum(), (x, norm.gain))
    found = torch.autograd.grad((norm(x) * outer).sum(), (x, norm.gain))
    for one, other in zip(found, wanted, strict=True):
        assert torch.allclose(one, other, rtol=1e-12, atol=1e-12)


def test_the_norm_about_one_is_rmsnorm_with_a_gain_of_one_more() -> None:
    part, plain = RMSNormAboutOne(8).double(), with_weights(RMSNorm(8))
    assert torch.equal(part(X), RMSNorm(8).double()(X))
    with torch.no_grad():
        part.excess.copy_(GAIN - 1)
    torch.testing.assert_close(part(X), plain(X), rtol=0, atol=1e-14)
    slopes = [
        torch.autograd.grad((norm(X) * X.cos()).sum(), weight)[0]
        for norm, weight in ((part, part.excess), (plain, plain.gain))
    ]
    torch.testing.assert_close(*slopes, rtol=0, atol=1e-12)


def test_dynamic_tanh_is_its_formula() -> None:
    part = with_weights(DynamicTanh(8, start=0.8))
    expected = torch.tanh(0.8 * X) * GAIN + SHIFT
    torch.testing.assert_close(part(X), expected, rtol=0, atol=1e-7)
    assert torch.equal(DynamicTanh(8)(torch.zeros(2, 8)), torch.zeros(2, 8))
    assert DynamicTanh(8)(torch.full((2, 8), 1e6)).abs().max() == 1


def test_dynamic_erf_is_its_formula() -> None:
    part = with_weights(DynamicErf(8, start=0.8))
    with torch.no_grad():
        part.offset.fill_(0.3)
    phi = torch.special.ndtr((0.8 * X + 0.3) * 2**0.5)  # the rescaled normal distribution function
    torch.testing.assert_close(part(X), (2 * phi - 1) * GAIN + SHIFT, rtol=0, atol=1e-6)
    assert torch.equal(DynamicErf(8)(torch.zeros(2, 8)), torch.zeros(2, 8))
    assert DynamicErf(8)(torch.full((2, 8), 1e6)).abs().max() == 1

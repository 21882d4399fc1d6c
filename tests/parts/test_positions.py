"""Positions: each scheme against its formula, and what makes it a scheme at all."""

import math

import pytest
import torch
from torch import Tensor

from partbench.core.dims import Dims, resolve
from partbench.core.errors import ConfigError
from partbench.parts.flow import Flow
from partbench.parts.position.learned import Learned
from partbench.parts.position.none import NoPosition
from partbench.parts.position.rotary import Rotary
from partbench.parts.position.sinusoidal import Sinusoidal

DIMS: Dims = resolve(depth=2, width=32, num_heads=4, context=16)
TIME = 6


def flow(start: int = 0) -> Flow:
    return Flow(torch.zeros(2, TIME).long(), torch.arange(start, start + TIME), NoPosition())


def heads(seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(2, 4, TIME, 8, dtype=torch.float64, generator=generator)


def rotate_half(x: Tensor) -> Tensor:
    """Hugging Face's, transformers/models/llama/modeling_llama.py."""
    first, second = x[..., : x.shape[-1] // 2], x[..., x.shape[-1] // 2 :]
    return torch.cat((-second, first), dim=-1)


@pytest.mark.parametrize("base", [10000.0, 500.0])
def test_rotary_is_hugging_faces_convention(base: float) -> None:
    inverse = 1.0 / base ** (torch.arange(0, 8, 2).double() / 8)
    angle = torch.outer(torch.arange(TIME).double(), inverse).repeat(1, 2)
    x = heads(0)
    expected = x * angle.cos() + rotate_half(x) * angle.sin()
    found = Rotary(DIMS, base=base).double().heads(x, flow())
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)


def test_rotary_turns_pair_i_and_i_plus_half_by_t_times_its_frequency() -> None:
    x = torch.zeros(1, 1, TIME, 8, dtype=torch.float64)
    x[..., 1] = 1.0
    found = Rotary(DIMS, base=16.0).double().heads(x, flow())[0, 0]
    angle = torch.arange(TIME).double() * 16.0 ** (-2 / 8)
    torch.testing.assert_close(found[:, 1], angle.cos(), rtol=0, atol=1e-12)
    torch.testing.assert_close(found[:, 5], angle.sin(), rtol=0, atol=1e-12)
    assert found[:, [0, 2, 3, 4, 6, 7]].abs().max() == 0


def test_rotary_scores_depend_on_the_distance_alone() -> None:
    rotary = Rotary(DIMS).double()
    scores = []
    for start in (0, 1000):
        query, key = rotary.heads(heads(1), flow(start)), rotary.heads(heads(2), flow(start))
        scores.append(query @ key.transpose(-1, -2))
    torch.testing.assert_close(scores[0], scores[1], rtol=0, atol=1e-10)
    unturned = heads(1) @ heads(2).transpose(-1, -2)
    assert (scores[0] - unturned).abs().max() > 0.1


def test_rotary_keeps_every_length_and_position_zero() -> None:
    found = Rotary(DIMS).double().heads(heads(0), flow())
    torch.testing.assert_close(found.norm(dim=-1), heads(0).norm(dim=-1), rtol=0, atol=1e-12)
    assert torch.equal(found[:, :, 0], heads(0)[:, :, 0])


def test_rotary_angles_do_not_fall_together_in_bfloat16() -> None:
    x = torch.ones(2, 4, TIME, 8, dtype=torch.bfloat16)
    exact = Rotary(DIMS).double().heads(x.double(), flow(1000))
    found = Rotary(DIMS).heads(x, flow(1000)).double()
    assert (found - exact).abs().max() < 0.01


def test_rotary_refuses_an_odd_head_width_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="head_width 7 is odd; the nearest even one is 8"):
        Rotary(resolve(depth=1, width=28, num_heads=4, context=8))


@pytest.mark.parametrize("width", [32, 31])
def test_sinusoidal_is_its_formula(width: int) -> None:
    dims = resolve(depth=1, width=width, num_heads=1, context=16)
    x = torch.zeros(2, TIME, width, dtype=torch.float64)
    found = Sinusoidal(dims, base=100.0, scale=0.5).double().stream(x, flow(3))[1]
    for t in range(TIME):
        for channel in range(width):
            angle = (t + 3) * 100.0 ** (-(channel - channel % 2) / width)
            expected = 0.5 * (math.cos(angle) if channel % 2 else math.sin(angle))
            assert found[t, channel].item() == pytest.approx(expected, abs=1e-5)


def test_learned_adds_the_row_of_each_position() -> None:
    learned = Learned(DIMS)
    with torch.no_grad():
        learned.weight.copy_(torch.arange(16.0).unsqueeze(1).expand(16, 32))
    found = learned.stream(torch.ones(2, TIME, 32), flow(5))
    assert torch.equal(found[0, :, 0], 1 + torch.arange(5.0, 5 + TIME))
    assert learned.longest == 16


def test_no_position_changes_nothing() -> None:
    none, x = NoPosition(), torch.randn(2, TIME, 32)
    assert none.stream(x, flow(9)) is x
    assert none.heads(x, flow(9)) is x
    assert none.scores(torch.arange(3), torch.arange(3)) is None


def test_turning_is_differentiated_right_once_and_twice() -> None:
    sizes = Dims(depth=1, width=16, num_heads=2, num_kv_heads=2, head_width=8, context=5, vocab=4)
    rotary = Rotary(sizes).double()
    x = torch.randn(
        2, 2, 5, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64
    ).requires_grad_()

    def turn(x: torch.Tensor) -> torch.Tensor:
        tokens = torch.zeros(2, 5, dtype=torch.long)
        return rotary.heads(x, Flow(tokens, torch.arange(5), rotary))

    assert torch.autograd.gradcheck(turn, (x,))
    assert torch.autograd.gradgradcheck(turn, (x,))

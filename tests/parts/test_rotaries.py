"""Rotary positions in both layouts, on a share of a head, and stretched for longer texts."""

import math

import pytest
import torch
from torch import Tensor, nn

from partbench.core.config import Config
from partbench.core.dims import Dims, resolve
from partbench.core.errors import ConfigError, InputError
from partbench.core.numerics import Numerics
from partbench.models.build import build
from partbench.parts.flow import Flow
from partbench.parts.position.alibi import ALiBi, slopes
from partbench.parts.position.none import NoPosition
from partbench.parts.position.rotary import Rotary
from partbench.parts.position.rotary_dynamic_ntk import RotaryDynamicNTK
from partbench.parts.position.rotary_llama3 import RotaryLlama3
from partbench.parts.position.rotary_ntk import RotaryNTK
from partbench.parts.position.rotary_yarn import RotaryYaRN

TIME = 6
DIMS: Dims = resolve(depth=2, width=128, num_heads=4, context=64)
TOKENS = torch.randint(0, 20, (2, 32), generator=torch.Generator().manual_seed(4))


def heads(seed: int, width: int = 32) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(2, 4, TIME, width, dtype=torch.float64, generator=generator)


def flow(start: int = 0) -> Flow:
    return Flow(torch.zeros(2, TIME).long(), torch.arange(start, start + TIME), NoPosition())


def angles(part: nn.Module, width: int = 32, start: int = 1) -> Tensor:
    """By how much each pair is turned at one position: found by turning (1, 0)."""
    x = torch.cat([torch.ones(width // 2), torch.zeros(width // 2)]).double()
    found = part.heads(x.expand(1, 1, TIME, width), flow(start))[0, 0, 0]
    return torch.atan2(found[width // 2 :], found[: width // 2]) / start


def test_the_two_layouts_are_one_up_to_the_order_of_channels() -> None:
    order = torch.cat([torch.arange(0, 32, 2), torch.arange(1, 32, 2)])
    apart = Rotary(DIMS).heads(heads(0)[..., order], flow(3))
    beside = Rotary(DIMS, layout="interleaved").heads(heads(0), flow(3))
    assert torch.equal(apart, beside[..., order])
    assert (Rotary(DIMS).heads(heads(0), flow(3)) - beside).abs().max() > 0.1


def test_interleaved_turns_channels_2i_and_2i_plus_1() -> None:
    """The trap: weights of one layout, turned in the other."""
    x = torch.zeros(1, 1, TIME, 32, dtype=torch.float64)
    x[..., 2] = 1.0
    found = Rotary(DIMS, base=16.0, layout="interleaved").heads(x, flow())[0, 0]
    angle = torch.arange(TIME).double() * 16.0 ** (-2 / 32)
    torch.testing.assert_close(found[:, 2], angle.cos(), rtol=0, atol=1e-6)
    torch.testing.assert_close(found[:, 3], angle.sin(), rtol=0, atol=1e-6)
    assert found.abs().sum(0).nonzero().flatten().tolist() == [2, 3]


@pytest.mark.parametrize("layout", ["half_split", "interleaved"])
def test_a_share_turns_the_first_channels_with_an_exponent_of_their_own(layout) -> None:
    found = Rotary(DIMS, layout=layout, share=0.25).heads(heads(0), flow(5))
    assert torch.equal(found[..., 8:], heads(0)[..., 8:])
    whole = Rotary(DIMS, layout=layout).heads(heads(0)[..., :8].contiguous(), flow(5))
    assert torch.equal(found[..., :8], whole)


@pytest.mark.parametrize("share", [0.05, 1.5])
def test_a_share_of_no_pair_or_of_more_than_all_is_refused(share: float) -> None:
    with pytest.raises(ConfigError, match=r"give 0\.0625 to 1"):
        Rotary(DIMS, share=share)


def test_settings_that_leave_no_blend_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"high: 1\.0 is not above low, 1\.0; give e\.g\. 4"):
        RotaryLlama3(DIMS, high=1.0)
    for settings in ({"base": 1.0}, {"fast": 0.5}):
        with pytest.raises(ConfigError, match=r"give e\.g\. 10000, 32 and 1"):
            RotaryYaRN(DIMS, **settings)


@pytest.mark.parametrize(
    "part",
    [
        RotaryNTK(DIMS, factor=1.0),
        RotaryDynamicNTK(DIMS),
        RotaryYaRN(DIMS, factor=1.0),
        RotaryLlama3(DIMS, base=10000.0, factor=1.0),
    ],
    ids=lambda part: type(part).__name__,
)
def test_a_text_no_longer_is_turned_as_ever(part: nn.Module) -> None:
    assert torch.equal(part.heads(heads(0), flow()), Rotary(DIMS).heads(heads(0), flow()))


@pytest.mark.parametrize(
    "part",
    [RotaryNTK(DIMS), RotaryYaRN(DIMS), RotaryLlama3(DIMS)],
    ids=lambda part: type(part).__name__,
)
def test_scores_depend_on_the_distance_alone(part: nn.Module) -> None:
    found = [
        part.heads(heads(1), flow(start)) @ part.heads(heads(2), flow(start)).transpose(-1, -2)
        for start in (0, 1000)
    ]
    torch.testing.assert_close(found[0], found[1], rtol=0, atol=1e-9)


def test_ntk_leaves_the_fastest_pair_and_slows_the_slowest_by_the_factor() -> None:
    ratio = angles(Rotary(DIMS)) / angles(RotaryNTK(DIMS, factor=4.0))
    assert ratio[0].item() == pytest.approx(1.0, abs=1e-6)
    assert ratio[-1].item() == pytest.approx(4.0, rel=1e-4)
    assert (ratio.diff() > 0).all()


def test_yarn_leaves_fast_pairs_slows_slow_ones_and_sharpens() -> None:
    part = RotaryYaRN(DIMS, factor=4.0, trained=4096)
    ratio = angles(Rotary(DIMS)) / angles(part)
    turns = 4096 * angles(Rotary(DIMS)) / (2 * math.pi)
    low = math.floor(32 * math.log(4096 / (32 * 2 * math.pi)) / (2 * math.log(10000)))
    assert (ratio[: low + 1] - 1).abs().max() < 1e-5
    assert turns[low] >= 32 > turns[low + 1]
    assert (ratio[turns < 1][1:] - 4).abs().max() < 1e-2
    length = part.heads(heads(0), flow()).norm() / heads(0).norm()
    assert length.item() == pytest.approx(0.1 * math.log(4) + 1, abs=1e-6)


def test_llama3_slows_by_wavelength() -> None:
    part = RotaryLlama3(DIMS, base=10000.0, factor=8.0, trained=512)
    plain = angles(Rotary(DIMS))
    ratio, wave = plain / angles(part), 2 * math.pi / plain
    assert (ratio[wave < 512 / 4] - 1).abs().max() < 1e-5
    assert (ratio[wave > 512] - 8).abs().max() < 1e-2
    between = (wave > 512 / 4) & (wave < 512)
    assert ((ratio[between] > 1) & (ratio[between] < 8)).all()
    assert between.any()


def model(**slots: object) -> nn.Module:
    config = Config({"dims": {"depth": 4, "width": 32, "num_heads": 4, "context": 16}})
    numerics = Numerics(precision="float64")
    return build(config.edit(slots).resolved, vocab=20, seed=0, numerics=numerics)


def test_dynamic_ntk_turns_by_the_length_there_is() -> None:
    long = Flow(torch.zeros(2, 128).long(), torch.arange(128), NoPosition())
    x = torch.randn(1, 4, 128, 32, dtype=torch.float64)
    stretched = RotaryNTK(DIMS, factor=2.0 * 128 / 64 - 1).heads(x, long)
    found = RotaryDynamicNTK(DIMS, factor=2.0).heads(x, Flow(long.tokens, long.positions, long))
    torch.testing.assert_close(found, stretched, rtol=0, atol=1e-12)


@torch.no_grad()
def test_dynamic_ntk_refuses_to_go_on_from_stale_keys() -> None:
    """The trap: keys in the cache were turned for a shorter text."""
    made = model(position="rotary_dynamic_ntk")
    _, state = made.step(TOKENS[:, :15], made.begin(2, 32))
    within, state = made.step(TOKENS[:, 15:16], state)
    torch.testing.assert_close(within, made(TOKENS[:, :16])[:, -1:], rtol=0, atol=1e-12)
    with pytest.raises(InputError, match="17 tokens from a cache, but beyond 16 its angles change"):
        made.step(TOKENS[:, 16:17], state)
    assert made(TOKENS).shape == (2, 32, 20)
    early = made(TOKENS)[:, :16] - made(TOKENS[:, :16])
    assert early.abs().max() > 1e-9  # what is refused would have been something else


def test_slopes_are_those_of_the_paper_and_of_its_code() -> None:
    assert slopes(8) == [2.0**-h for h in range(1, 9)]
    assert slopes(6) == [2.0**-2, 2.0**-4, 2.0**-6, 2.0**-8, 2.0**-1, 2.0**-3]
    assert slopes(1) == [2.0**-8]


def test_linear_biases_fall_with_the_distance() -> None:
    part = ALiBi(DIMS).double()
    found = part.scores(torch.tensor([5, 6]), torch.arange(7))
    assert found.shape == (4, 2, 7)
    assert found[1, 1].tolist() == [-(2.0**-4) * (6 - j) for j in range(7)]


def test_positions_are_mixed_over_depth_each_layer_asking_its_own() -> None:
    mixed = model(position=["rotary", "none"])
    plain = model(position="rotary")
    assert mixed.state_dict().keys() == plain.state_dict().keys()
    asked: list[type] = []
    for mixer in mixed.mixers:
        mixer.register_forward_pre_hook(lambda _, given: asked.append(type(given[1].position)))
    mixed(TOKENS[:, :8])
    assert asked == [Rotary, NoPosition, Rotary, NoPosition]


@torch.no_grad()
def test_mixed_positions_decode_from_a_cache_and_keep_their_tables_apart() -> None:
    """A table under one name for two bases would turn the second layer by the first's angles."""
    two = [{"part": "rotary", "base": base} for base in (100.0, 1e6)]
    made = model(position=two, mixer=[{"part": "attention", "window": 4}, "attention"])
    whole, state = made(TOKENS), made.begin(2, 32)
    for piece, expected in zip(TOKENS.split(5, 1), whole.split(5, 1), strict=True):
        found, state = made.step(piece, state)
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    swapped = model(position=two[::-1], mixer=[{"part": "attention", "window": 4}, "attention"])
    assert (swapped(TOKENS) - whole).abs().max() > 1e-6
    assert (model(position=two[:1])(TOKENS) - model(position=two)(TOKENS)).abs().max() > 1e-6


def test_what_acts_on_the_stream_does_so_once_and_the_shortest_end_counts() -> None:
    made = model(position=["learned", "rotary"])
    assert [n for n in made.state_dict() if "position" in n] == ["position.weight"]
    with pytest.raises(InputError, match="17 tokens, but this model's positions end at 16"):
        made(TOKENS[:, :17])
    later = model(position=["rotary", "learned"])
    assert [n for n in later.state_dict() if "position" in n] == ["later_positions.0.weight"]
    with pytest.raises(InputError, match="positions end at 16"):
        later.begin(1, 17)

"""CNN-A, CNN-B and the vision Transformer: sizes, counts, what they see, how they learn."""

from typing import Any

import pytest
import torch

from partbench.core.config import Config
from partbench.core.errors import ConfigError
from partbench.core.numerics import Numerics
from partbench.core.picture import Picture
from partbench.core.roles import Role
from partbench.data.batch import Batch
from partbench.measure.flop_counter import counted_flops
from partbench.models import accounting
from partbench.models.build import build
from partbench.models.pictures.convolution import Convolution

MODELS = ("cnn_a", "cnn_b", "vit")
COLOUR = Picture(3, 32, 32)
SIZES = {"dims.depth": 2, "dims.width": 32, "dims.num_heads": 2, "dims.context": 16}


def model(
    name: str, picture: Picture = COLOUR, precision: str = "float64", edits: Any = (), seed: int = 0
) -> Any:
    config = Config({"task": "images", "init": "fan_in"}).edit(SIZES)
    config = config.edit({"model": name, **dict(edits)})
    numerics = Numerics(precision=precision)  # type: ignore[arg-type]
    return build(config.resolved, vocab=10, seed=seed, numerics=numerics, picture=picture)


def batch(picture: Picture = COLOUR, size: int = 4) -> Batch:
    drawn = torch.Generator().manual_seed(1)
    pixels = torch.randn(size, *picture, generator=drawn)
    return Batch(pixels, torch.arange(size).unsqueeze(1) % 10, torch.ones(size, 1))


@pytest.mark.parametrize(
    ("name", "sizes", "count"),
    [
        ("cnn_a", {"dims.depth": 2, "dims.width": 248}, 1_005_020),
        ("cnn_b", {"dims.depth": 4, "dims.width": 240}, 1_032_810),
    ],
)
def test_the_networks_of_the_note_have_about_a_million_parameters(name, sizes, count):
    found = sum(accounting.parameters(model(name, precision="float32", edits=sizes)).values())
    assert found == count
    assert abs(count / 1e6 - 1) < 0.05


@pytest.mark.parametrize("picture", [COLOUR, Picture(1, 28, 28), Picture(1, 8, 8)], ids=str)
@pytest.mark.parametrize("name", MODELS)
def test_flops_are_those_that_torch_counts(name, picture):
    made = model(name, picture)
    assert made.flops() == counted_flops(made, batch(picture))


@pytest.mark.parametrize("name", MODELS)
def test_one_answer_a_picture_with_what_was_right_and_how_sure(name):
    made, given = model(name), batch()
    score, known = made.score(given), made(given.inputs)
    assert known.shape == (4, 1, 10)
    assert torch.allclose(known.exp().sum(-1), torch.ones(4, 1).double())
    assert torch.allclose(score.nll, -known.gather(-1, given.targets.unsqueeze(-1)).squeeze(-1))
    assert torch.equal(score.correct, known.argmax(-1) == given.targets)
    assert torch.allclose(score.confidence, known.exp().amax(-1))


def test_a_kernel_is_a_matrix_and_convolves_as_torch_does():
    torch.manual_seed(0)
    own, theirs = Convolution(3, 5, bias=True).double(), torch.nn.Conv2d(3, 5, 3, padding=1)
    with torch.no_grad():
        own.weight.normal_()
        own.bias.normal_()
        theirs.double().weight.copy_(own.weight.view(5, 3, 3, 3))
        theirs.bias.copy_(own.bias)
    x = torch.randn(2, 3, 7, 6).double()
    assert own.weight.shape == (5, 27)
    assert torch.allclose(own(x), theirs(x))
    assert own.flops(7, 6) == 2 * 5 * 27 * 42


def test_kernels_are_read_and_norms_are_gains():
    roles = accounting.roles(model("cnn_b"))
    assert roles["convolutions.0.weight"] is Role.READ
    assert roles["norms.0.gain"] is Role.GAIN
    assert roles["head.weight"] is Role.HEAD


def test_every_patch_sees_every_other():
    made, given = model("vit"), batch(size=1)
    for row, column in ((0, 0), (31, 31)):
        moved = given.inputs.clone()
        moved[0, :, row, column] += 1.0
        assert not torch.equal(made(moved), made(given.inputs))
    mixer, seen = made.mixers[0], []
    mixer.register_forward_hook(lambda part, given, out: seen.append((given[0], given[1], out)))
    made(given.inputs)
    x, flow, before = seen[-1]
    later = x.clone()
    later[:, -1] += 1.0
    with torch.no_grad():
        after = mixer(later, flow)
    assert not flow.causal
    assert not torch.allclose(before[:, 0], after[:, 0]), "the first patch sees the last"


@pytest.mark.parametrize(
    "swap",
    [
        {"position": "alibi"},
        {"position": "rotary"},
        {"mixer": {"part": "attention", "window": 3}},
        {"probability": "softmax1"},
        {"mixer": "mamba2"},
        {"ffn": "mixture_of_experts"},
        {"residual": "hyper_connections"},
        {"residual": "value_residual"},
        {"router": "shiftmax"},
        {"head": "linear"},
    ],
    ids=str,
)
def test_the_shelf_of_the_transformer_serves_pictures(swap):
    answers = []
    for attention in ("fused", "explicit"):
        config = Config({"task": "images"}).edit(SIZES).edit({"model": "vit", **swap})
        numerics = Numerics(precision="float64", attention=attention)  # type: ignore[arg-type]
        made = build(config.resolved, vocab=10, seed=0, numerics=numerics, picture=COLOUR)
        score = made.score(batch())
        (score.mean() + sum(score.extra.values())).backward()
        answers.append(score.nll.detach())
    assert torch.allclose(*answers, atol=1e-10)


def test_without_positions_the_order_of_patches_does_not_matter():
    made = model("vit", edits={"position": "none"})
    pixels = batch(size=1).inputs
    swapped = pixels.clone()
    swapped[..., :8, :8], swapped[..., 24:, 24:] = pixels[..., 24:, 24:], pixels[..., :8, :8]
    assert torch.allclose(made(pixels), made(swapped), atol=1e-12)
    placed = model("vit")
    assert not torch.allclose(placed(pixels), placed(swapped), atol=1e-6)


@pytest.mark.parametrize(
    ("name", "edits", "says"),
    [
        ("cnn_a", {"dims.depth": 6}, "at most 5"),
        ("cnn_a", {"dims.width": 36}, "dims.width: 36 is no multiple of 8"),
        ("cnn_b", {"dims.depth": 3, "dims.width": 30}, "the nearest is 32"),
        ("vit", {"dims.context": 15}, "the nearest number that there can be is 16"),
        ("vit", {"dims.context": 9}, "dims.context: 9 equal patches"),
    ],
)
def test_sizes_that_do_not_fit_are_named(name, edits, says):
    with pytest.raises(ConfigError, match=says):
        model(name, edits=edits)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"model": "vit", "head": "tied"}, "this model has no slot embedding"),
        ({"model": "transformer"}, "needs 'tokens' from the task"),
        ({"task": "language"}, "needs 'pixels' from the task"),
        ({"init": "warm"}, "needs 'table' from the embedding"),
    ],
)
def test_what_cannot_stand_together_is_refused_when_it_is_declared(changes, says):
    with pytest.raises(ConfigError, match=says):
        _ = Config({"task": "images", "model": "cnn_b"}).edit(changes).resolved


@pytest.mark.parametrize("mode", ["hyper", "static", "none"])
@pytest.mark.parametrize("inner", ["sgd", "adamw"])
def test_gradients_of_kernels_are_conditioned_by_what_they_read(mode, inner):
    from partbench.core.dims import Dims
    from partbench.optim.conditioned import Conditioned

    made, given = model("cnn_b"), batch()
    dims = Dims(depth=2, width=32, num_heads=2, num_kv_heads=2, head_width=16, context=16)
    recipe = Conditioned(dims, inner=inner, mode=mode, rate=0.1, momentum=0.0, eps=0.0)
    named = dict(made.named_parameters())
    optimizer = recipe.build(named, accounting.roles(made))
    for group in optimizer.param_groups:
        group["lr"] = 0.1 * group["share"]
    before = {name: weight.detach().clone() for name, weight in named.items()}
    made.score(given).mean().backward()
    slopes = {name: weight.grad.clone() for name, weight in named.items()}
    optimizer.step()
    kernel = "convolutions.1.weight"  # 16 channels that read 16 * 9 numbers each
    moved = named[kernel].detach() - before[kernel]
    wanted = {"hyper": 1.0, "static": 1 / 9 if inner == "sgd" else 32 / 144, "none": 1.0}[mode]
    step = slopes[kernel] if inner == "sgd" else slopes[kernel].sign()
    large = slopes[kernel].abs() > 1e-6 * slopes[kernel].abs().max()
    assert torch.allclose(moved[large], -0.1 * wanted * step[large], rtol=1e-3)


@pytest.mark.parametrize("name", ["muon", "soap", "shampoo"])
def test_matrix_optimisers_take_kernels_as_matrices(name):
    from partbench.core.dims import Dims
    from partbench.core.factory import Factory

    made, given = model("cnn_a", precision="float32"), batch()
    choice = Config({"optimizer": {"part": name, "rate": 3e-3}}).resolved["optimizer"]
    dims = Dims(depth=2, width=32, num_heads=2, num_kv_heads=2, head_width=16, context=16)
    named = dict(made.named_parameters())
    optimizer = Factory("optimizer", choice, {"dims": dims})().build(named, accounting.roles(made))
    losses = []
    for _ in range(12):
        loss = made.score(given).mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]

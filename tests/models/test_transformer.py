"""The Transformer as a row of slots: what is tiled, what is refused, what a state is."""

from typing import Any

import pytest
import torch

from partbench.core.config import Config
from partbench.core.dims import Dims
from partbench.core.errors import ConfigError, InputError
from partbench.core.menu import names
from partbench.core.numerics import Numerics
from partbench.models import accounting
from partbench.models.build import build
from partbench.models.contract import Model, Score
from partbench.models.transformer import Transformer
from partbench.parts.ffn.mlp import MLP
from partbench.parts.ffn.relu_squared import ReLUSquared
from partbench.testing.subject import BUILT, random_batch, variants

BASE = Config({"dims": {"depth": 5, "width": 32, "num_heads": 4, "context": 16}})


def model(changes: dict[str, Any] | None = None, seed: int = 0) -> Transformer:
    numerics = Numerics(precision="float64")
    made = build(BASE.edit(changes or {}).resolved, vocab=32, seed=seed, numerics=numerics)
    assert isinstance(made, Transformer)
    return made


def test_it_keeps_the_contract_of_a_model() -> None:
    assert isinstance(model(), Model)


def test_a_list_of_parts_is_tiled_over_depth() -> None:
    made = model(
        {
            "ffn": ["mlp", "relu_squared"],
            "mixer": [
                {"part": "attention", "query_key_norm": norm} for norm in (True, False, False)
            ],
        }
    )
    assert [type(ffn) for ffn in made.ffns] == [MLP, ReLUSquared, MLP, ReLUSquared, MLP]
    assert [mixer.query_norm is not None for mixer in made.mixers] == [
        True,
        False,
        False,
        True,
        False,
    ]


def test_every_layer_has_parameters_of_its_own() -> None:
    made = model()
    weights = [layer.query.weight for layer in made.mixers]
    assert len({weight.data_ptr() for weight in weights}) == 5
    assert not torch.equal(weights[0], weights[1])


def test_the_defaults_are_llamas_in_number_of_parameters() -> None:
    made, width, hidden = model(), 32, 88
    layer = 4 * width * width + 3 * width * hidden + 2 * width
    assert sum(p.numel() for p in made.parameters()) == 2 * 32 * width + 5 * layer + width
    assert sum(accounting.parameters(made).values()) == sum(p.numel() for p in made.parameters())


def test_the_configured_norm_reaches_queries_and_keys() -> None:
    made = model({"norm": "layernorm", "mixer.query_key_norm": True})
    names = {type(m).__name__ for m in made.modules() if "Norm" in type(m).__name__}
    assert names == {"LayerNorm", "PreNorm"}


def test_decoding_past_the_state_is_refused() -> None:
    made, tokens = model(), random_batch("state").inputs
    state = made.begin(3, 4)
    _, state = made.step(tokens[:, :3], state)
    with pytest.raises(InputError, match="the state was begun for 4 tokens, no more"):
        made.step(tokens[:, 3:5], state)
    _, state = made.step(tokens[:, 3:4], state)
    assert state.length == 4


def test_learned_positions_end_at_the_context_and_say_so() -> None:
    made = model({"position": "learned"})
    for call in (lambda: made(torch.zeros(1, 17).long()), lambda: made.begin(1, 17)):
        with pytest.raises(InputError, match=r"17 tokens, .* end at 16 \(dims\.context\)"):
            call()


@torch.no_grad()
def test_biases_are_left_out_everywhere_by_one_setting() -> None:
    gpt2 = {
        "norm": {"part": "layernorm", "bias": True},
        "mixer": {"part": "attention", "bias": True},
        "ffn": {"part": "mlp", "bias": True},
    }
    with_zeros, without = model(gpt2), model({**gpt2, "model.biases": False})
    found = accounting.parameters(without)
    biases = accounting.parameters(with_zeros).pop("bias")
    assert biases > 0
    assert found == {k: v for k, v in accounting.parameters(with_zeros).items() if k != "bias"}
    batch = random_batch("biases")
    assert torch.equal(without.score(batch).nll, with_zeros.score(batch).nll)  # they start at 0


@pytest.mark.parametrize(
    "slot",
    [
        pytest.param(slot, marks=[pytest.mark.slow] if slot == "residual" else [])
        for slot in BUILT
        if slot != "model"
    ],
)
def test_every_part_that_has_biases_can_do_without(slot: str) -> None:
    for subject in [s for name in names(slot) for s in variants(slot, name)]:
        tree = subject.config.edit({"model.biases": False}).resolved
        made = build(tree, vocab=32, seed=0, numerics=Numerics())
        assert "bias" not in accounting.parameters(made), subject
        assert made.score(random_batch("biases")).nll.isfinite().all(), subject


def test_the_mean_of_a_score_weighs_its_targets() -> None:
    nll, weights = torch.tensor([[1.0, 2.0, 5.0]]), torch.tensor([[1.0, 0.5, 0.0]])
    assert Score(nll, weights, {}).mean().item() == pytest.approx(2.0 / 1.5)
    assert Score(nll, torch.zeros(1, 3), {}).mean().item() == 0.0


def test_targets_of_weight_zero_teach_nothing() -> None:
    made, batch = model(), random_batch("weights")
    weights = batch.weights.clone()
    weights[:, 5:] = 0
    slopes = []
    for targets in (batch.targets, batch.targets.roll(1, 0)):
        targets = torch.where(weights > 0, batch.targets, targets)
        score = made.score(batch._replace(targets=targets, weights=weights))
        loss = score.mean() + sum(score.extra.values())
        slopes.append(torch.autograd.grad(loss, made.head.weight)[0])
    assert torch.equal(*slopes)


def test_flops_are_two_a_matrix_weight_and_token_and_the_products_of_attention() -> None:
    made, dims = model(), Dims(**BASE.resolved["dims"], vocab=32)
    layer = 4 * 32 * 32 + 3 * 32 * 88
    expected = 2 * 16 * (5 * layer + 32 * 32) + 5 * 4 * 16 * 16 * 32
    assert made.flops() == expected == accounting.flops(made, dims.context)


def test_a_tied_head_costs_what_a_linear_one_does() -> None:
    assert model({"head": "tied"}).flops() == model().flops()


@pytest.mark.parametrize(
    "changes",
    [
        {"ffn": {"part": part, "ratio": ratio}}
        for part in ("mlp", "relu_squared", "swiglu")
        for ratio in (0.0, -1.0)
    ]
    + [
        {"head.cap": 0.0},
        {"position.base": 0.0},
        {"norm.eps": -1.0},
        {"init.cut": -1.0},
    ],
    ids=str,
)
def test_a_setting_out_of_its_range_is_refused_before_any_cell(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"model\.|init\."):
        assert BASE.edit(changes).resolved

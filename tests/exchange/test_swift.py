"""The quick form of a plain decoder is the decoder: the same logits; other models have none."""

from typing import Any

import pytest
import torch

from partbench.core.config import Config
from partbench.core.numerics import Numerics
from partbench.exchange.swift import swift
from partbench.models.build import build

DIMS = {"depth": 2, "width": 32, "num_heads": 4, "context": 16}
PLAIN: dict[str, Any] = {"ffn": "swiglu"}


def model(parts: dict[str, Any], precision: Any = "float64", **dims: Any) -> Any:
    tree = Config({"dims": {**DIMS, **dims}, "model": {**PLAIN, **parts}}).resolved
    made = build(tree, vocab=50, seed=3, numerics=Numerics(precision=precision)).eval()
    with torch.no_grad():
        for name, weight in made.named_parameters():
            if name.endswith("gain"):
                weight.uniform_(0.5, 1.5)
    return made


@pytest.mark.parametrize(
    ("parts", "dims"),
    [
        ({}, {}),
        ({}, {"num_kv_heads": 2}),
        ({}, {"num_kv_heads": 1}),
        ({"position": {"part": "rotary", "layout": "interleaved", "base": 500.0}}, {}),
        ({"position": "none", "head": "tied"}, {}),
        ({"head": {"part": "linear", "cap": 5.0}}, {}),
        ({"embedding": {"part": "token", "scale_by_width": True}}, {}),
        ({"mixer": {"part": "attention", "scale": 0.7}}, {}),
    ],
)
@torch.inference_mode()
def test_it_says_what_the_model_says(parts: dict[str, Any], dims: dict[str, Any]) -> None:
    made = model(parts, **dims)
    tokens = torch.randint(0, 50, (3, 12), generator=torch.Generator().manual_seed(1))
    expected = made(tokens)
    quick = swift(made, 3, 12)
    assert quick is not None
    found = [quick.step(tokens[:, :5])]
    found += [quick.step(tokens[:, place : place + 1]) for place in range(5, 12)]
    torch.testing.assert_close(torch.stack(found, 1), expected[:, 4:], rtol=0, atol=1e-11)


@torch.inference_mode()
def test_a_first_token_alone_is_a_prompt_too() -> None:
    made = model({}, "float32")
    tokens = torch.randint(0, 50, (1, 6), generator=torch.Generator().manual_seed(1))
    quick = swift(made, 1, 6)
    assert quick is not None
    found = torch.stack([quick.step(tokens[:, place : place + 1]) for place in range(6)], 1)
    torch.testing.assert_close(found, made(tokens), rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    "parts",
    [
        {"ffn": "mlp"},
        {"norm": "layernorm"},
        {"residual": "hyper_connections"},
        {"block": "parallel"},
        {"position": "alibi"},
        {"position": ["rotary", "none"]},
        {"position": {"part": "rotary", "share": 0.5}},
        {"probability": "softmax1"},
        {"mixer": "linear_attention"},
        {"mixer": {"part": "attention", "window": 3}},
        {"mixer": {"part": "attention", "query_key_norm": True}},
        {"mixer": {"part": "attention", "gate": "head"}},
        {"mixer": {"part": "attention", "bias": True}},
        {"mixer": {"part": "attention", "cap": 3.0}},
        {"mixer": ["attention", {"part": "attention", "window": 3}]},
    ],
    ids=str,
)
def test_any_other_part_and_there_is_none(parts: dict[str, Any]) -> None:
    assert swift(model(parts), 1, 8) is None


def test_nor_is_there_one_where_outputs_are_divided() -> None:
    tree = Config({"dims": {**DIMS, "transfer": "mup", "base_width": 8}, "model": PLAIN}).resolved
    assert swift(build(tree, vocab=50, seed=0, numerics=Numerics()), 1, 8) is None

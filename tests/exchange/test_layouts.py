"""Layouts of Hugging Face: what goes out comes back to the bit, what does not fit is named."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.exchange import made

from partbench.core.errors import InputError
from partbench.exchange import huggingface, own
from partbench.exchange.huggingface import LAYOUTS
from partbench.exchange.safely import CONFIG

TOKENS = torch.randint(0, 256, (2, 32), generator=torch.Generator().manual_seed(0))


def marked(names: Iterable[str], *fast: str) -> list[Any]:
    """All names; those not in `fast` wait for the slow suite."""
    return [pytest.param(n, marks=[] if n in fast else [pytest.mark.slow]) for n in names]


def same_weights(one: Any, other: Any) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[n], other[n]) for n in one)


@torch.no_grad()
@pytest.mark.parametrize("name", marked(made.FITS, "llama, width and depth transfer", "gpt2"))
def test_out_and_in_again_is_the_same_function_and_the_same_bits(name: str, tmp_path: Path) -> None:
    layout, parts, dims = made.FITS[name]
    before = made.trained(parts, dims)
    huggingface.write(LAYOUTS[layout], before, tmp_path / "theirs")
    back = huggingface.read(tmp_path / "theirs")
    held = huggingface.fitting(LAYOUTS[layout], before)[1]
    assert same_weights(back.weights, held.weights)
    assert back.tree["dims"]["transfer"] == "standard"
    expected, found = before.model()(TOKENS), back.model()(TOKENS)
    assert expected.std() > 0.05
    assert torch.allclose(found, expected, rtol=1e-5, atol=1e-5)  # the first assert_close is slow
    again = huggingface.fitting(LAYOUTS[layout], back)[1]
    assert same_weights(again.weights, back.weights)  # nothing is left to fold
    assert (back.coder.encode("ship é") == torch.tensor(list("ship é".encode()))).all()  # type: ignore[union-attr]


@torch.no_grad()
def test_leaving_out_what_is_folded_is_another_model() -> None:
    """The trap of peers: without 1 / m a muP model samples at another temperature."""
    parts = made.trained({}, {"transfer": "mup", "base_width": 8})
    held = huggingface.fitting(LAYOUTS["llama"], parts)[1]
    logits = held.model()(TOKENS)
    raw = type(held)(**{**held.__dict__, "weights": parts.weights}).model()(TOKENS)
    assert torch.allclose(parts.model()(TOKENS), logits, rtol=1e-5, atol=1e-5)
    assert (raw - logits).abs().max() > 0.1


MISFITS: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "a norm": ("llama", {"norm": "dynamic_tanh"}, ["norm = dynamic_tanh (llama has rmsnorm)"]),
    "five things": (
        "llama",
        {
            "norm": {"part": "layernorm", "bias": True},
            "mixer": [WINDOW := {"part": "attention", "window": 4}, {**WINDOW, "window": None}],
            "ffn": "relu_squared",
            "residual": "hyper_connections",
            "probability": "softmax1",
        },
        [
            "norm = layernorm (llama has rmsnorm)",
            "mixer.window = 4 (llama has none)",
            "ffn = relu_squared (llama has swiglu)",
            "residual = hyper_connections (llama has pre_norm)",
            "probability = softmax1 (llama has softmax)",
        ],
    ),
    "one layer in two": (
        "llama",
        {"mixer": ["attention", "mamba2"]},
        ["mixer = mamba2 (llama has attention)"],
    ),
    "a position in some layers": (
        "qwen3",
        {"position": ["rotary", "none"], "mixer.query_key_norm": True},
        ["position = none (qwen3 has rotary)"],
    ),
    "two windows": (
        "qwen3",
        {"mixer": [made.WINDOWED, {**made.WINDOWED, "window": 7}]},
        ["mixer.window = 7 (qwen3 has 5)"],
    ),
    "a block": ("llama", {"block": "parallel"}, ["block = parallel (llama has serial)"]),
    "a share": (
        "llama",
        {"position": {"part": "rotary", "share": 0.5}},
        ["position.share = 0.5 (llama has 1.0)"],
    ),
    "no biases": (
        "gpt2",
        {**made.GPT2, "mixer": "attention"},
        ["mixer.bias = false (gpt2 has true)", "dims.num_kv_heads = 2"],
    ),
    "groups": ("gpt2", made.GPT2, ["dims.num_kv_heads = 2 (gpt2 has 4)"]),
    "another model": ("gpt2", {"model": "ngram"}, ["model = ngram (gpt2 is a transformer)"]),
}


@pytest.mark.parametrize("name", marked(MISFITS, "five things", "groups"))
def test_what_a_layout_cannot_hold_is_named_in_one_line_and_nothing_is_written(
    name: str, tmp_path: Path
) -> None:
    layout, parts, reasons = MISFITS[name]
    with pytest.raises(InputError) as refused:
        huggingface.write(LAYOUTS[layout], made.trained(parts), tmp_path / "out")
    said = str(refused.value)
    assert "\n" not in said
    assert "--to partbench" in said
    assert said.count(" has ") + said.count(" is a ") == len(reasons), said
    for reason in reasons:
        assert reason in said
    assert not (tmp_path / "out").exists()


SETTINGS: dict[str, tuple[str, dict[str, Any], str]] = {
    "bias": ("llama", {"mlp_bias": True}, "mlp_bias"),
    "activation": ("llama", {"hidden_act": "relu"}, "hidden_act = 'relu'"),
    "scaling": ("llama", {"rope_parameters": {"rope_type": "longrope"}}, "'longrope'"),
    "layers": ("qwen3", {"layer_types": ["full_attention"]}, "layer_types"),
    "both ways": ("gemma2", {"use_bidirectional_attention": True}, "not causal"),
    "scale by layer": ("gpt2", {"scale_attn_by_inverse_layer_idx": True}, "inverse_layer_idx"),
    "another model": ("llama", {"model_type": "mamba"}, "'mamba' cannot be imported"),
    "sizes": ("llama", {"intermediate_size": 30}, "config.json says [32, 32]"),
    "no number": ("llama", {"hidden_size": "big"}, "hidden_size as a whole number"),
    "no divisor": ("llama", {"num_key_value_heads": 3}, "num_kv_heads"),
}


@pytest.mark.parametrize("name", marked(SETTINGS, "scaling", "sizes"))
def test_settings_without_a_part_here_are_refused_in_one_line(name: str, tmp_path: Path) -> None:
    layout, changes, reason = SETTINGS[name]
    _, parts, dims = made.FITS[layout]
    huggingface.write(LAYOUTS[layout], made.trained(parts, dims), tmp_path / "theirs")
    path = tmp_path / "theirs" / CONFIG
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    with pytest.raises(InputError) as refused:
        huggingface.read(tmp_path / "theirs")
    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.slow
def test_old_files_are_read(tmp_path: Path) -> None:
    """rope_theta at the top, rope_scaling with `type`, GPT-2 without its prefix and with masks."""
    from safetensors.torch import load_file, save_file

    huggingface.write(LAYOUTS["llama"], made.trained(), tmp_path / "llama")
    path = tmp_path / "llama" / CONFIG
    settings = json.loads(path.read_text())
    del settings["rope_parameters"]
    path.write_text(json.dumps({**settings, "rope_theta": 777.0, "rope_scaling": None}))
    assert huggingface.read(tmp_path / "llama").tree["model"]["position"]["base"] == 777.0
    huggingface.write(LAYOUTS["gpt2"], made.trained(*made.FITS["gpt2"][1:]), tmp_path / "gpt2")
    file = tmp_path / "gpt2" / "model.safetensors"
    known = huggingface.read(tmp_path / "gpt2")
    old = {name.removeprefix("transformer."): t for name, t in load_file(file).items()}
    old["h.0.attn.bias"] = torch.ones(1, 1, 32, 32)
    old["lm_head.weight"] = old["wte.weight"].clone()
    save_file(old, file)
    assert same_weights(huggingface.read(tmp_path / "gpt2").weights, known.weights)


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    for write in (own.write, lambda t, f: huggingface.write(LAYOUTS["llama"], t, f)):
        with pytest.raises(InputError, match="is there already"):
            write(made.trained(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]

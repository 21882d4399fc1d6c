"""Models as if they had been trained: small, every parameter shaken, with the bytes as tokens."""

from typing import Any

from partbench.core.config import Config
from partbench.core.numerics import Numerics
from partbench.data.tokenizers import Bytes
from partbench.exchange.coder import Coder
from partbench.exchange.trained import Trained
from partbench.models.build import build
from partbench.testing.subject import random_batch, shake

DIMS = {"depth": 2, "width": 32, "num_heads": 4, "num_kv_heads": 2, "context": 32}
GPT2 = {
    "position": "learned",
    "norm": {"part": "layernorm", "bias": True},
    "mixer": {"part": "attention", "bias": True},
    "ffn": {"part": "mlp", "bias": True, "activation": "gelu_tanh"},
    "head": "tied",
}
WINDOWED = {"part": "attention", "query_key_norm": True, "window": 5}
CAPPED = {"part": "attention", "cap": 2.0, "scale": 50**-0.5}
GEMMA2 = {
    "embedding": {"part": "token", "scale_by_width": True},
    "norm": "rmsnorm_about_one",
    "mixer": [{**CAPPED, "window": 6}, CAPPED],
    "ffn": {"part": "geglu", "approximate": "tanh"},
    "residual": "sandwich",
    "head": {"part": "tied", "cap": 3.0},
}
FITS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "llama": ("llama", {}, {}),
    "llama, biases, tied": (
        "llama",
        {"mixer.bias": True, "head": "tied", "position": "rotary_llama3"},
        {},
    ),
    "llama, width and depth transfer": (
        "llama",
        {},
        {"transfer": "completep", "base_width": 8, "base_depth": 1, "base_head_width": 2},
    ),
    "llama, interleaved": ("llama", {"position": {"part": "rotary", "layout": "interleaved"}}, {}),
    "llama, static NTK": ("llama", {"position": "rotary_ntk"}, {}),
    "qwen3": ("qwen3", {"mixer": [{**WINDOWED, "window": None}, WINDOWED]}, {}),
    "qwen3, transfer": (
        "qwen3",
        {
            "mixer": WINDOWED,
            "position": {"part": "rotary_yarn", "trained": 16},
        },
        {"transfer": "mup", "base_width": 16, "base_head_width": 2},
    ),
    "gemma2": ("gemma2", GEMMA2, {}),
    "gemma2, transfer": (
        "gemma2",
        {**GEMMA2, "mixer": "attention"},
        {"transfer": "completep", "base_width": 16, "base_depth": 1, "base_head_width": 3},
    ),
    "gpt2": ("gpt2", GPT2, {"num_kv_heads": 4}),
    "gpt2, transfer": ("gpt2", GPT2, {"num_kv_heads": 4, "transfer": "mup", "base_width": 16}),
}
"""A name -> layout, parts and dims of a model that fits it."""


def trained(parts: dict[str, Any] | None = None, dims: dict[str, Any] | None = None) -> Trained:
    """What `partbench export` would find; a model that learns by counting has counted."""
    config = Config({"dims": {**DIMS, **(dims or {})}}).edit(parts or {})
    model: Any = build(config.resolved, vocab=256, seed=0, numerics=Numerics())
    if "fit" in type(model).PHASES:
        model.fit(random_batch("fit", step) for step in range(3))
    shake(model, 0, size=0.1)
    return Trained(
        tree=config.resolved,
        vocab=256,
        weights=model.state_dict(),
        numerics=Numerics(),
        coder=Coder.of(Bytes()),
        name="cell made up",
    )

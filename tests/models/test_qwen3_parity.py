"""The same weights give the same logits as Hugging Face's Qwen3, windows and rope scaling too."""

from typing import Any

import pytest
from tests.models import peers

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

ROPES: dict[str, tuple[Any, dict[str, Any]]] = {
    "plain": ("rotary", {"rope_type": "default"}),
    "partial": ({"part": "rotary", "share": 0.5}, {"rope_type": "default"}),
    "llama3": (
        {"part": "rotary_llama3", "base": 1e4, "factor": 8.0, "trained": 128},
        {
            "rope_type": "llama3",
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 128,
        },
    ),
    "yarn": (
        {"part": "rotary_yarn", "factor": 4.0, "trained": 2048},
        {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 2048},
    ),
    "yarn, not truncated": (
        {"part": "rotary_yarn", "factor": 32.0, "trained": 4096, "truncate": False},
        {
            "rope_type": "yarn",
            "factor": 32.0,
            "truncate": False,
            "original_max_position_embeddings": 4096,
        },
    ),
    "dynamic": (
        {"part": "rotary_dynamic_ntk", "factor": 2.0, "trained": 16},
        {"rope_type": "dynamic", "factor": 2.0},
    ),
}


@pytest.mark.parametrize("rope", [name for name in ROPES if name != "partial"])
@pytest.mark.parametrize("window", [None, 5])
def test_logits_equal_qwen3s(rope: str, window: int | None) -> None:
    transformers = peers.peer("transformers")
    position, theirs_rope = ROPES[rope]
    attention = {"part": "attention", "query_key_norm": True}
    mine = peers.ours(
        position=position,
        mixer=[attention, {**attention, "window": window}] if window else attention,
    )
    kinds = ["full_attention", "sliding_attention" if window else "full_attention"]
    config = transformers.Qwen3Config(
        **{**peers.SIZES, "max_position_embeddings": 16 if rope == "dynamic" else 32},
        head_dim=16,
        intermediate_size=mine.ffns[0].up.out_features,
        rope_parameters={"rope_theta": 1e4, **theirs_rope},
        use_sliding_window=window is not None,
        sliding_window=window,
        layer_types=kinds * 2,
        tie_word_embeddings=False,
    )
    theirs = transformers.Qwen3ForCausalLM(config)
    weights = {
        "model.embed_tokens.weight": mine.embedding.weight,
        "model.norm.weight": mine.residual.final.gain,
        "lm_head.weight": mine.head.weight,
    }
    for i, (mixer, ffn) in enumerate(zip(mine.mixers, mine.ffns, strict=True)):
        layer = {
            "input_layernorm.weight": mine.residual.norms[2 * i].gain,
            "post_attention_layernorm.weight": mine.residual.norms[2 * i + 1].gain,
            "self_attn.q_norm.weight": mixer.query_norm.gain,
            "self_attn.k_norm.weight": mixer.key_norm.gain,
            **peers.below("self_attn", peers.projections(mixer)),
            **peers.below("mlp", peers.gated(ffn)),
        }
        weights |= peers.below(f"model.layers.{i}", layer)
    theirs.load_state_dict(weights)
    peers.same_logits(mine, theirs)
    if rope != "dynamic":
        peers.same_when_decoded(mine)

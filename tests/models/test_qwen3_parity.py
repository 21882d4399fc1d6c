"""The same weights give the same logits as Hugging Face's Qwen3, windows and rope scaling too."""

from typing import Any

import pytest
from tests.models import peers

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

ROPES: dict[str, tuple[Any, dict[str, Any]]] = {
    "plain": ("rotary", {"rope_type": "default"}),
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


@pytest.mark.parametrize("rope", list(ROPES))
@pytest.mark.parametrize("window", [None, 5])
def test_logits_equal_qwen3s(rope: str, window: int | None) -> None:
    position, theirs_rope = ROPES[rope]
    attention = {"part": "attention", "query_key_norm": True}
    mine = peers.ours(
        position=position,
        mixer=[attention, {**attention, "window": window}] if window else attention,
    )
    kinds = ["full_attention", "sliding_attention" if window else "full_attention"]
    # Theirs begins to stretch at the longest position, ours at `trained`.
    own = {"max_position_embeddings": 16} if rope == "dynamic" else {}
    theirs, written = peers.exported("qwen3", mine, **own)
    assert {"rope_theta": 1e4, **theirs_rope}.items() <= written["rope_parameters"].items()
    assert written["layer_types"] == kinds * 2
    assert (written["sliding_window"], written["tie_word_embeddings"]) == (window, False)
    peers.same_logits(mine, theirs)
    if rope != "dynamic":
        peers.same_when_decoded(mine)

"""Latent attention of Hugging Face's DeepSeek-V3, of full and of low rank queries."""

import pytest
import torch
from tests.models import peers

from partbench.parts.flow import Flow

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.mark.parametrize("attention", ["fused", "explicit"])
@pytest.mark.parametrize("query_rank", [None, 24])
def test_attention_equals_deepseek_v3s(attention: str, query_rank: int | None) -> None:
    peers.peer("transformers")
    from transformers.models.deepseek_v3 import modeling_deepseek_v3 as theirs_module

    settings = {"rank": 20, "turned": 8, "query_rank": query_rank}
    mine = peers.ours(
        attention,
        position={"part": "rotary", "layout": "interleaved"},
        mixer={"part": "latent_attention", **settings},
    )
    config = theirs_module.DeepseekV3Config(
        **{**peers.SIZES, "num_key_value_heads": 4},
        kv_lora_rank=20,
        q_lora_rank=query_rank,
        qk_rope_head_dim=8,
        qk_nope_head_dim=16,
        v_head_dim=16,
        rope_parameters={"rope_type": "default", "rope_theta": 1e4},
        attn_implementation="eager",
    )
    mixer, theirs = mine.mixers[1], theirs_module.DeepseekV3Attention(config, 1)
    weights = {
        "kv_a_proj_with_mqa.weight": mixer.down.weight,
        "kv_a_layernorm.weight": mixer.norm.gain,
        "kv_b_proj.weight": torch.cat([mixer.key, mixer.value], dim=1).flatten(0, 1),
        "o_proj.weight": mixer.output.weight,
    }
    if query_rank is None:
        weights["q_proj.weight"] = mixer.query.weight
    else:
        weights["q_a_proj.weight"] = mixer.query_down.weight
        weights["q_a_layernorm.weight"] = mixer.query_norm.gain
        weights["q_b_proj.weight"] = mixer.query.weight
    theirs.load_state_dict(weights)
    x = torch.randn(2, 32, 64, generator=torch.Generator().manual_seed(1))
    mask = torch.full((1, 1, 32, 32), -torch.inf).triu(1)
    tables = theirs_module.DeepseekV3RotaryEmbedding(config)(x, torch.arange(32).unsqueeze(0))
    expected = theirs(x, tables, mask)[0]
    flow = Flow(peers.TOKENS, torch.arange(32), mine.position)
    torch.testing.assert_close(mixer(x, flow), expected, rtol=0, atol=1e-4)
    peers.same_when_decoded(mine)

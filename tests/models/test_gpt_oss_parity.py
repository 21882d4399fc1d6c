"""Attention of Hugging Face's gpt-oss: sinks, windows, biases, YaRN that is not truncated."""

import pytest
import torch
from tests.models import peers

from partbench.parts.flow import Flow

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.mark.parametrize("attention", ["fused", "explicit"])
@pytest.mark.parametrize("layer", [0, 1])
def test_attention_equals_gpt_osss(attention: str, layer: int) -> None:
    peers.peer("transformers")
    from transformers.models.gpt_oss import modeling_gpt_oss as theirs_module

    window = 5
    mine = peers.ours(
        attention,
        probability="sinks",
        position={
            "part": "rotary_yarn",
            "base": 150000.0,
            "factor": 32.0,
            "trained": 4096,
            "truncate": False,
        },
        mixer=[
            {"part": "attention", "window": window, "bias": True},
            {"part": "attention", "bias": True},
        ],
    )
    mixer = mine.mixers[layer]
    config = theirs_module.GptOssConfig(
        **peers.SIZES, head_dim=16, sliding_window=window, attn_implementation="eager"
    )
    theirs = theirs_module.GptOssAttention(config, layer)
    biases = {
        f"{name}_proj.bias": getattr(mixer, ours).bias
        for name, ours in {"q": "query", "k": "key", "v": "value", "o": "output"}.items()
    }
    theirs.load_state_dict(
        {**peers.projections(mixer), **biases, "sinks": mixer.sum.probability.level}
    )
    x = torch.randn(2, 32, 64, generator=torch.Generator().manual_seed(1))
    distance = torch.arange(32).unsqueeze(1) - torch.arange(32)
    hidden = (distance < 0) | (distance >= (window if layer == 0 else 99))
    mask = torch.zeros(1, 1, 32, 32).masked_fill(hidden, -torch.inf)
    tables = theirs_module.GptOssRotaryEmbedding(config)(x, torch.arange(32).unsqueeze(0))
    expected = theirs(x, tables, mask)[0]
    flow = Flow(peers.TOKENS, torch.arange(32), mine.position)
    torch.testing.assert_close(mixer(x, flow), expected, rtol=0, atol=1e-4)
    peers.same_when_decoded(mine)

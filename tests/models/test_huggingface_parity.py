"""The same weights give the same logits as Hugging Face's Llama and GPT-2."""

import pytest
from tests.models import peers

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.mark.parametrize("kv_heads", [4, 2, 1])
@pytest.mark.parametrize("attention", ["fused", "explicit"])
def test_logits_equal_llamas(kv_heads: int, attention: str) -> None:
    mine = peers.ours(attention, dims={"num_kv_heads": kv_heads})
    theirs, written = peers.exported("llama", mine)
    expected = {
        "num_key_value_heads": kv_heads,
        "hidden_act": "silu",
        "rms_norm_eps": 1e-6,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e4},
        "tie_word_embeddings": False,
    }
    assert expected.items() <= written.items()
    peers.same_logits(mine, theirs)
    peers.same_when_decoded(mine)


@pytest.mark.parametrize("attention", ["fused", "explicit"])
@pytest.mark.parametrize(("activation", "name"), [("gelu", "gelu"), ("gelu_tanh", "gelu_new")])
def test_logits_equal_gpt2s(attention: str, activation: str, name: str) -> None:
    mine = peers.ours(
        attention,
        dims={"num_kv_heads": peers.HEADS},
        position="learned",
        norm={"part": "layernorm", "bias": True},
        mixer={"part": "attention", "bias": True},
        ffn={"part": "mlp", "bias": True, "activation": activation},
        head="tied",
    )
    theirs, written = peers.exported("gpt2", mine)
    assert (written["activation_function"], written["n_positions"]) == (name, peers.CONTEXT)
    peers.same_logits(mine, theirs)

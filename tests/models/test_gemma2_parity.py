"""The same weights give the same logits as Hugging Face's Gemma 2."""

import pytest
from tests.models import peers

from partbench.core import menu

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.mark.skipif("sandwich" not in menu.names("residual"), reason="there is no sandwich norm")
@pytest.mark.parametrize("scalar", [16, 50])
def test_logits_equal_gemma2s(scalar: int) -> None:
    """Caps on scores and logits, a window in every other layer, norms before and after."""
    attention = {"part": "attention", "cap": 2.0, "scale": scalar**-0.5}
    mine = peers.ours(
        embedding={"part": "token", "scale_by_width": True},
        norm="rmsnorm_about_one",
        mixer=[{**attention, "window": 6}, attention],
        ffn={"part": "geglu", "approximate": "tanh"},
        residual="sandwich",
        head={"part": "tied", "cap": 3.0},
    )
    theirs, written = peers.exported("gemma2", mine, attn_implementation="eager")
    expected = {
        "head_dim": 16,
        "intermediate_size": mine.ffns[0].up.out_features,
        "query_pre_attn_scalar": scalar,
        "sliding_window": 6,
        "layer_types": ["sliding_attention", "full_attention"] * 2,
        "attn_logit_softcapping": 2.0,
        "final_logit_softcapping": 3.0,
        "hidden_activation": "gelu_pytorch_tanh",
        "tie_word_embeddings": True,
    }
    assert expected.items() <= written.items()
    peers.same_logits(mine, theirs)
    peers.same_when_decoded(mine)

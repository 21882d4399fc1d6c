"""The same weights give the same logits as Hugging Face's Gemma 2."""

import pytest
from tests.models import peers

from partbench.core import menu

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.mark.skipif("sandwich" not in menu.names("residual"), reason="there is no sandwich norm")
@pytest.mark.parametrize("scalar", [16, 50])
def test_logits_equal_gemma2s(scalar: int) -> None:
    """Caps on scores and logits, a window in every other layer, norms before and after."""
    transformers = peers.peer("transformers")
    attention = {"part": "attention", "cap": 2.0, "scale": scalar**-0.5}
    mine = peers.ours(
        embedding={"part": "token", "scale_by_width": True},
        norm="rmsnorm_about_one",
        mixer=[{**attention, "window": 6}, attention],
        ffn={"part": "geglu", "approximate": "tanh"},
        residual="sandwich",
        head={"part": "tied", "cap": 3.0},
    )
    theirs = transformers.Gemma2ForCausalLM(
        transformers.Gemma2Config(
            **peers.SIZES,
            head_dim=16,
            intermediate_size=mine.ffns[0].up.out_features,
            query_pre_attn_scalar=scalar,
            sliding_window=6,
            attn_logit_softcapping=2.0,
            final_logit_softcapping=3.0,
            rope_parameters={"rope_type": "default", "rope_theta": 1e4},
            attn_implementation="eager",
        )
    )
    weights = {
        "model.embed_tokens.weight": mine.embedding.weight,
        "lm_head.weight": mine.embedding.weight,
        "model.norm.weight": mine.residual.final.excess,
    }
    names = ("input", "post_attention", "pre_feedforward", "post_feedforward")
    for i, (mixer, ffn) in enumerate(zip(mine.mixers, mine.ffns, strict=True)):
        norms, afters = mine.residual.norms, mine.residual.afters
        four = (norms[2 * i], afters[2 * i], norms[2 * i + 1], afters[2 * i + 1])
        layer = {
            **peers.below("self_attn", peers.projections(mixer)),
            **peers.below("mlp", peers.gated(ffn)),
            **{
                f"{name}_layernorm.weight": norm.excess
                for name, norm in zip(names, four, strict=True)
            },
        }
        weights |= peers.below(f"model.layers.{i}", layer)
    theirs.load_state_dict(weights)
    peers.same_logits(mine, theirs)
    peers.same_when_decoded(mine)

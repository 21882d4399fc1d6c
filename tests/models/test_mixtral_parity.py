"""Hugging Face's Mixtral: its logits, and its balance loss where the two definitions meet."""

import pytest
import torch
from tests.models import peers

from partbench.data.batch import Batch

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def test_logits_and_the_balance_loss_equal_mixtrals() -> None:
    transformers = peers.peer("transformers")
    from transformers.models.mixtral.modeling_mixtral import load_balancing_loss_func

    mine = peers.ours(ffn={"part": "mixture_of_experts", "experts": 4, "chosen": 2})
    theirs = transformers.MixtralForCausalLM(
        transformers.MixtralConfig(
            **peers.SIZES,
            intermediate_size=mine.ffns[0].up.shape[1],
            num_local_experts=4,
            num_experts_per_tok=2,
            sliding_window=None,
            rope_parameters={"rope_type": "default", "rope_theta": 1e4},
            tie_word_embeddings=False,
        )
    )
    weights = {
        "model.embed_tokens.weight": mine.embedding.weight,
        "model.norm.weight": mine.residual.final.gain,
        "lm_head.weight": mine.head.weight,
    }
    for i, (mixer, ffn) in enumerate(zip(mine.mixers, mine.ffns, strict=True)):
        layer = {
            "input_layernorm.weight": mine.residual.norms[2 * i].gain,
            "post_attention_layernorm.weight": mine.residual.norms[2 * i + 1].gain,
            "mlp.gate.weight": ffn.router,
            "mlp.experts.gate_up_proj": torch.cat([ffn.gate, ffn.up], dim=1),
            "mlp.experts.down_proj": ffn.down,
            **peers.below("self_attn", peers.projections(mixer)),
        }
        weights |= peers.below(f"model.layers.{i}", layer)
    theirs.load_state_dict(weights)
    peers.same_logits(mine, theirs)
    peers.same_when_decoded(mine)

    # Theirs adds up counts and scores of all layers first, and its shares of assignments sum to
    # the number chosen; so it is compared one layer at a time, and halved.
    batch = Batch(peers.TOKENS, peers.TOKENS, torch.ones(peers.TOKENS.shape))
    logits = theirs(peers.TOKENS, output_router_logits=True).router_logits
    expected = sum(load_balancing_loss_func((one,), 4, 2) / 2 for one in logits)
    assert mine.score(batch).extra["balance"].item() == pytest.approx(
        0.01 * expected.item(), rel=1e-4
    )

"""The same weights give the same logits as Hugging Face's Llama and GPT-2."""

import warnings
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import nn

from partbench.core.config import Config
from partbench.core.numerics import Numerics
from partbench.models.build import build
from partbench.testing.subject import shake

VOCAB, WIDTH, HEADS, DEPTH, CONTEXT = 64, 64, 4, 3, 32
TOKENS = torch.randint(0, VOCAB, (2, CONTEXT), generator=torch.Generator().manual_seed(0))
DIMS = {"depth": DEPTH, "width": WIDTH, "num_heads": HEADS, "context": CONTEXT}

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def transformers() -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        why = "parity with Hugging Face needs `pip install partbench[dev]`"
        return pytest.importorskip("transformers", reason=why)


def ours(config: Config, attention: str) -> nn.Module:
    numerics = Numerics(attention=attention)  # type: ignore[arg-type]
    model = build(config.resolved, vocab=VOCAB, seed=0, numerics=numerics)
    shake(model, seed=0)
    return model


def logits(model: Any) -> torch.Tensor:
    with torch.no_grad():
        return model.eval()(TOKENS).logits


@pytest.mark.parametrize("kv_heads", [4, 2, 1])
@pytest.mark.parametrize("attention", ["fused", "explicit"])
def test_logits_equal_llamas(transformers: ModuleType, kv_heads: int, attention: str) -> None:
    mine = ours(Config({"dims": {**DIMS, "num_kv_heads": kv_heads}}), attention)
    theirs = transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            vocab_size=VOCAB,
            hidden_size=WIDTH,
            intermediate_size=mine.ffns[0].up.out_features,
            num_hidden_layers=DEPTH,
            num_attention_heads=HEADS,
            num_key_value_heads=kv_heads,
            max_position_embeddings=CONTEXT,
            rms_norm_eps=1e-6,
            rope_theta=10000.0,
            tie_word_embeddings=False,
        )
    )
    weights = {
        "model.embed_tokens.weight": mine.embedding.weight,
        "model.norm.weight": mine.residual.final.gain,
        "lm_head.weight": mine.head.weight,
    }
    for i in range(DEPTH):
        mixer, ffn, norms = mine.mixers[i], mine.ffns[i], mine.residual.norms
        weights |= {
            f"model.layers.{i}.{name}.weight": weight
            for name, weight in {
                "self_attn.q_proj": mixer.query.weight,
                "self_attn.k_proj": mixer.key.weight,
                "self_attn.v_proj": mixer.value.weight,
                "self_attn.o_proj": mixer.output.weight,
                "mlp.gate_proj": ffn.gate.weight,
                "mlp.up_proj": ffn.up.weight,
                "mlp.down_proj": ffn.down.weight,
                "input_layernorm": norms[2 * i].gain,
                "post_attention_layernorm": norms[2 * i + 1].gain,
            }.items()
        }
    theirs.load_state_dict(weights)
    torch.testing.assert_close(mine(TOKENS), logits(theirs), rtol=0, atol=1e-4)


@pytest.mark.parametrize("attention", ["fused", "explicit"])
def test_logits_equal_gpt2s(transformers: ModuleType, attention: str) -> None:
    config = Config({"dims": DIMS}).edit(
        position="learned",
        norm={"part": "layernorm", "bias": True},
        mixer={"part": "attention", "bias": True},
        ffn={"part": "mlp", "bias": True},
        head="tied",
    )
    mine = ours(config, attention)
    theirs = transformers.GPT2LMHeadModel(
        transformers.GPT2Config(
            vocab_size=VOCAB,
            n_positions=CONTEXT,
            n_embd=WIDTH,
            n_layer=DEPTH,
            n_head=HEADS,
            activation_function="gelu",  # exact, as in nanoGPT
            layer_norm_epsilon=1e-5,
            resid_pdrop=0.0,
            embd_pdrop=0.0,
            attn_pdrop=0.0,
        )
    )
    weights = {
        "transformer.wte.weight": mine.embedding.weight,
        "transformer.wpe.weight": mine.position.weight,
        "transformer.ln_f.weight": mine.residual.final.gain,
        "transformer.ln_f.bias": mine.residual.final.shift,
        "lm_head.weight": mine.embedding.weight,
    }
    for i in range(DEPTH):
        mixer, ffn, norms = mine.mixers[i], mine.ffns[i], mine.residual.norms
        qkv = (mixer.query, mixer.key, mixer.value)
        weights |= {
            f"transformer.h.{i}.{name}": weight
            for name, weight in {
                "attn.c_attn.weight": torch.cat([layer.weight for layer in qkv]).T,
                "attn.c_attn.bias": torch.cat([layer.bias for layer in qkv]),
                "attn.c_proj.weight": mixer.output.weight.T,
                "attn.c_proj.bias": mixer.output.bias,
                "mlp.c_fc.weight": ffn.up.weight.T,
                "mlp.c_fc.bias": ffn.up.bias,
                "mlp.c_proj.weight": ffn.down.weight.T,
                "mlp.c_proj.bias": ffn.down.bias,
                "ln_1.weight": norms[2 * i].gain,
                "ln_1.bias": norms[2 * i].shift,
                "ln_2.weight": norms[2 * i + 1].gain,
                "ln_2.bias": norms[2 * i + 1].shift,
            }.items()
        }
    theirs.load_state_dict(weights)
    torch.testing.assert_close(mine(TOKENS), logits(theirs), rtol=0, atol=1e-4)

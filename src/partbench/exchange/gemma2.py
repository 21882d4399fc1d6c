"""The Gemma 2 layout: norms before and after, caps on scores and logits, windows in turn.

Paper: Gemma Team 2024, arXiv:2408.00118; names and settings as transformers writes them.
"""

from partbench.core.errors import InputError
from partbench.exchange import decoder
from partbench.exchange.layout import Entry, Tree

NORMS = {
    "input_layernorm": "norms.{m}",
    "post_attention_layernorm": "afters.{m}",
    "pre_feedforward_layernorm": "norms.{f}",
    "post_feedforward_layernorm": "afters.{f}",
}


class Gemma2:
    """Gemma2ForCausalLM. Its scale is 1 / sqrt(query_pre_attn_scalar), a whole number."""

    name = "gemma2"
    architecture = "Gemma2ForCausalLM"
    holds_scale = True

    def write(self, tree: Tree, vocab: int) -> Tree:
        """Their settings for a plain tree of ours."""
        model = tree["model"]
        mixer = model["mixer"][0]
        window, kinds = decoder.windows(tree)
        scale = mixer.get("scale", tree["dims"]["head_width"] ** -0.5)
        return {
            **decoder.sizes(tree, vocab),
            "hidden_activation": decoder.activation(model["ffn"][0]),
            "query_pre_attn_scalar": round(scale**-2),
            # Asked for even where no layer slides.
            "sliding_window": window or tree["dims"]["context"],
            "layer_types": kinds,
            "attn_logit_softcapping": mixer.get("cap"),
            "final_logit_softcapping": model["head"].get("cap"),
        }

    def read(self, settings: Tree) -> Tree:
        """Ours for their settings."""
        if settings.get("use_bidirectional_attention"):
            raise InputError("config.json: use_bidirectional_attention = true is not causal")
        settings = {"head_dim": 256, "tie_word_embeddings": True, **settings}
        tree = decoder.read_sizes(settings, self.name)
        model, depth = tree["model"], tree["dims"]["depth"]
        turns = ["full_attention" if i % 2 else "sliding_attention" for i in range(depth)]
        attention = {
            "part": "attention",
            "bias": bool(settings.get("attention_bias")),
            "cap": settings.get("attn_logit_softcapping", 50.0),
            "scale": settings.get("query_pre_attn_scalar", 256) ** -0.5,
        }
        model["ffn"] |= decoder.gate(
            {"hidden_activation": "gelu_pytorch_tanh", **settings}, "hidden_activation", self.name
        )
        model["norm"] = {"part": "rmsnorm_about_one", "eps": settings.get("rms_norm_eps", 1e-6)}
        model["residual"] = "sandwich"
        model["embedding"] = {"part": "token", "scale_by_width": True}
        model["head"]["cap"] = settings.get("final_logit_softcapping", 30.0)
        model["mixer"] = decoder.layers(
            settings,
            attention,
            settings.get("layer_types") or turns,
            settings.get("sliding_window", 4096),
        )
        return tree

    def entries(self, tree: Tree) -> dict[str, Entry]:
        """Every tensor of theirs."""
        return decoder.entries(tree, NORMS, "excess", query_key=False)

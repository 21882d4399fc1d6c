"""The Llama layout: rotary, grouped heads, RMSNorm before each sublayer, a gated network.

Paper: Touvron et al. 2023, arXiv:2302.13971; names and settings as transformers writes them.
"""

from partbench.core.errors import InputError
from partbench.exchange import decoder
from partbench.exchange.layout import Entry, Tree

NORMS = {"input_layernorm": "norms.{m}", "post_attention_layernorm": "norms.{f}"}


class Llama:
    """LlamaForCausalLM."""

    name = "llama"
    architecture = "LlamaForCausalLM"
    holds_scale = False

    def write(self, tree: Tree, vocab: int) -> Tree:
        """Their settings for a plain tree of ours."""
        hidden = decoder.activation(tree["model"]["ffn"][0])
        return {**decoder.sizes(tree, vocab), "hidden_act": hidden, "mlp_bias": False}

    def read(self, settings: Tree) -> Tree:
        """Ours for their settings."""
        if settings.get("mlp_bias"):
            raise InputError("config.json: mlp_bias = true; gated networks here have no bias")
        tree = decoder.read_sizes(settings, self.name)
        model = tree["model"]
        model["ffn"] |= decoder.gate(settings, "hidden_act", self.name)
        model["norm"] = {"part": "rmsnorm", "eps": settings.get("rms_norm_eps", 1e-6)}
        model["mixer"] = {"part": "attention", "bias": bool(settings.get("attention_bias"))}
        return tree

    def entries(self, tree: Tree) -> dict[str, Entry]:
        """Every tensor of theirs."""
        return decoder.entries(tree, NORMS, "gain", query_key=False)

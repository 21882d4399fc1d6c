"""The Qwen3 layout: Llama's with a norm on queries and keys, and windows in some layers.

Paper: Yang et al. 2025, arXiv:2505.09388; names and settings as transformers writes them.
"""

from partbench.exchange import decoder
from partbench.exchange.layout import Entry, Tree
from partbench.exchange.llama import NORMS


class Qwen3:
    """Qwen3ForCausalLM."""

    name = "qwen3"
    architecture = "Qwen3ForCausalLM"
    holds_scale = False

    def write(self, tree: Tree, vocab: int) -> Tree:
        """Their settings for a plain tree of ours."""
        window, kinds = decoder.windows(tree)
        return {
            **decoder.sizes(tree, vocab),
            "hidden_act": decoder.activation(tree["model"]["ffn"][0]),
            "use_sliding_window": window is not None,
            "sliding_window": window,
            "layer_types": kinds,
        }

    def read(self, settings: Tree) -> Tree:
        """Ours for their settings."""
        tree = decoder.read_sizes({"head_dim": 128, **settings}, self.name)
        model, depth = tree["model"], tree["dims"]["depth"]
        window = settings.get("sliding_window") if settings.get("use_sliding_window") else None
        first = settings.get("max_window_layers", 28) if window else depth
        plain = ["full_attention" if i < first else "sliding_attention" for i in range(depth)]
        attention = {
            "part": "attention",
            "query_key_norm": True,
            "bias": bool(settings.get("attention_bias")),
        }
        model["ffn"] |= decoder.gate(settings, "hidden_act", self.name)
        model["norm"] = {"part": "rmsnorm", "eps": settings.get("rms_norm_eps", 1e-6)}
        model["mixer"] = decoder.layers(
            settings, attention, settings.get("layer_types") or plain, window
        )
        return tree

    def entries(self, tree: Tree) -> dict[str, Entry]:
        """Every tensor of theirs."""
        return decoder.entries(tree, NORMS, "gain", query_key=True)

"""The GPT-2 layout: learned positions, LayerNorm, a two-layer network, biases, a tied head.

Paper: Radford et al. 2019, "Language models are unsupervised multitask learners"; names and
settings as transformers writes them. Its maps are stored transposed, [in, out], and the three to
queries, keys and values as one.
"""

from partbench.core.errors import InputError
from partbench.exchange.decoder import whole
from partbench.exchange.layout import Entry, Tree

ACTIVATIONS = {
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "gelu": "gelu",
    "relu": "relu",
}
"""Their activations and ours; of two names for one function the first is written."""


class GPT2:
    """GPT2LMHeadModel."""

    name = "gpt2"
    architecture = "GPT2LMHeadModel"
    holds_scale = False

    def write(self, tree: Tree, vocab: int) -> Tree:
        """Their settings for a plain tree of ours."""
        dims, model = tree["dims"], tree["model"]
        ffn = model["ffn"][0]
        names = {ours: theirs for theirs, ours in reversed(ACTIVATIONS.items())}
        return {
            "vocab_size": vocab,
            "n_positions": dims["context"],
            "n_embd": dims["width"],
            "n_layer": dims["depth"],
            "n_head": dims["num_heads"],
            "n_inner": round(ffn.get("ratio", 4) * dims["width"]),
            "activation_function": names.get(ffn.get("activation", "gelu"), "gelu"),
            "layer_norm_epsilon": model["norm"].get("eps", 1e-5),
            "resid_pdrop": 0.0,
            "embd_pdrop": 0.0,
            "attn_pdrop": 0.0,
            "tie_word_embeddings": model["head"]["part"] == "tied",
            "bos_token_id": None,
            "eos_token_id": None,
            "pad_token_id": None,
        }

    def read(self, settings: Tree) -> Tree:
        """Ours for their settings."""
        settings = {"n_positions": 1024, "n_embd": 768, "n_layer": 12, "n_head": 12, **settings}
        width, heads = whole(settings, "n_embd", self.name), whole(settings, "n_head", self.name)
        for key, plain in (
            ("scale_attn_weights", True),
            ("scale_attn_by_inverse_layer_idx", False),
            ("add_cross_attention", False),
        ):
            if settings.get(key, plain) != plain:
                raise InputError(f"config.json: {key} = {settings[key]} has no part here")
        activation = settings.get("activation_function", "gelu_new")
        if activation not in ACTIVATIONS:
            raise InputError(
                f"config.json: activation_function = {activation!r} is none of the network's here: "
                f"{', '.join(ACTIVATIONS)}"
            )
        if width < 1 or heads < 1 or width % heads:
            raise InputError(f"config.json: n_head {heads} does not divide n_embd {width}")
        inner = settings.get("n_inner") or 4 * width
        eps = settings.get("layer_norm_epsilon", 1e-5)
        return {
            "dims": {
                "depth": whole(settings, "n_layer", self.name),
                "width": width,
                "num_heads": heads,
                "num_kv_heads": heads,
                "head_width": width // heads,
                "context": whole(settings, "n_positions", self.name),
            },
            "model": {
                "position": "learned",
                "norm": {"part": "layernorm", "bias": True, "eps": eps},
                "mixer": {"part": "attention", "bias": True},
                "ffn": {
                    "part": "mlp",
                    "bias": True,
                    "activation": ACTIVATIONS[activation],
                    "ratio": inner / width,
                },
                "head": "tied" if settings.get("tie_word_embeddings", True) else "linear",
            },
        }

    def entries(self, tree: Tree) -> dict[str, Entry]:
        """Every tensor of theirs."""
        found = {
            "transformer.wte.weight": Entry(("embedding.weight",)),
            "transformer.wpe.weight": Entry(("position.weight",)),
            "transformer.ln_f.weight": Entry(("residual.final.gain",)),
            "transformer.ln_f.bias": Entry(("residual.final.shift",)),
        }
        if tree["model"]["head"]["part"] != "tied":
            found["lm_head.weight"] = Entry(("head.weight",))
        for i in range(tree["dims"]["depth"]):
            place = f"transformer.h.{i}"
            for theirs, ours in {
                "attn.c_attn": tuple(f"mixers.{i}.{name}" for name in ("query", "key", "value")),
                "attn.c_proj": (f"mixers.{i}.output",),
                "mlp.c_fc": (f"ffns.{i}.up",),
                "mlp.c_proj": (f"ffns.{i}.down",),
            }.items():
                weights = tuple(f"{own}.weight" for own in ours)
                found[f"{place}.{theirs}.weight"] = Entry(weights, transposed=True)
                found[f"{place}.{theirs}.bias"] = Entry(tuple(f"{own}.bias" for own in ours))
            for theirs, sublayer in {"ln_1": 2 * i, "ln_2": 2 * i + 1}.items():
                norm = f"residual.norms.{sublayer}"
                found[f"{place}.{theirs}.weight"] = Entry((f"{norm}.gain",))
                found[f"{place}.{theirs}.bias"] = Entry((f"{norm}.shift",))
        return found

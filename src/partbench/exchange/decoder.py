"""What the gated decoders of Hugging Face share: Llama, Qwen3 and Gemma 2.

Rotary positions and their scalings, grouped heads, a gated network, one norm before each sublayer;
names of tensors as in Llama (Touvron et al. 2023, arXiv:2302.13971).
"""

from typing import Any

from partbench.core.errors import InputError
from partbench.exchange.layout import Entry, Tree

GATES = {
    "silu": {"part": "swiglu"},
    "gelu": {"part": "geglu", "approximate": "none"},
    "gelu_pytorch_tanh": {"part": "geglu", "approximate": "tanh"},
}
"""Their activations that a gated network of ours has."""
MAPS = {"q": "query", "k": "key", "v": "value", "o": "output"}


def sizes(tree: Tree, vocab: int) -> Tree:
    """The settings that every one of them has, special tokens off: our texts have none."""
    dims, ffn = tree["dims"], tree["model"]["ffn"][0]
    return {
        "vocab_size": vocab,
        "hidden_size": dims["width"],
        "intermediate_size": round(ffn.get("ratio", 8 / 3) * dims["width"]),
        "num_hidden_layers": dims["depth"],
        "num_attention_heads": dims["num_heads"],
        "num_key_value_heads": dims["num_kv_heads"],
        "head_dim": dims["head_width"],
        "max_position_embeddings": dims["context"],
        "rms_norm_eps": tree["model"]["norm"].get("eps", 1e-6),
        "rope_parameters": rope(tree["model"]["position"][0]),
        "attention_bias": tree["model"]["mixer"][0].get("bias", False),
        "attention_dropout": 0.0,
        "tie_word_embeddings": tree["model"]["head"]["part"] == "tied",
        "bos_token_id": None,
        "eos_token_id": None,
        "pad_token_id": None,
    }


def read_sizes(settings: Tree, name: str) -> Tree:
    """Our dims and the parts that all of them have, declared."""
    width, heads = (
        whole(settings, "hidden_size", name),
        whole(settings, "num_attention_heads", name),
    )
    if settings.get("attention_dropout"):
        settings = {**settings, "attention_dropout": 0.0}  # off when a text is scored or continued
    kv_heads = settings.get("num_key_value_heads") or heads
    if width < 1 or heads < 1:
        raise InputError(
            f"{name}: hidden_size {width} and num_attention_heads {heads} are no sizes"
        )
    dims = {
        "depth": whole(settings, "num_hidden_layers", name),
        "width": width,
        "num_heads": heads,
        "num_kv_heads": kv_heads,
        "head_width": settings.get("head_dim") or width // heads,
        "context": whole(settings, "max_position_embeddings", name),
    }
    return {
        "dims": dims,
        "model": {
            "position": read_rope(settings, name),
            "ffn": {"ratio": whole(settings, "intermediate_size", name) / width},
            "head": {"part": "tied" if settings.get("tie_word_embeddings") else "linear"},
        },
    }


def whole(settings: Tree, key: str, name: str) -> int:
    """A size; InputError where it is missing or no whole number."""
    value = settings.get(key)
    if type(value) is not int:
        raise InputError(f"config.json: {name} needs {key} as a whole number, not {value!r}")
    return value


def gate(settings: Tree, key: str, name: str) -> Tree:
    """Our gated network for their activation."""
    activation = settings.get(key, "silu")
    if activation not in GATES:
        raise InputError(
            f"config.json: {key} = {activation!r} has no gated network here; one of: "
            f"{', '.join(GATES)}"
        )
    return GATES[activation]


def activation(ffn: Tree) -> str:
    """Their name of the activation of our gated network, silu where there is none."""
    for name, part in GATES.items():
        if part.items() <= ffn.items():
            return name
    return "silu"


def rope(position: Tree) -> Tree:
    """Their rope_parameters for a rotary part of ours; the plain ones for any other."""
    found: Tree = {"rope_theta": position.get("base", 10000.0)}
    own = {
        "rotary_llama3": {
            "rope_type": "llama3",
            "factor": "factor",
            "low_freq_factor": "low",
            "high_freq_factor": "high",
            "original_max_position_embeddings": "trained",
        },
        "rotary_yarn": {
            "rope_type": "yarn",
            "factor": "factor",
            "beta_fast": "fast",
            "beta_slow": "slow",
            "truncate": "truncate",
            "attention_factor": "magnitude",
            "original_max_position_embeddings": "trained",
        },
        "rotary_dynamic_ntk": {"rope_type": "dynamic", "factor": "factor"},
    }.get(position["part"], {"rope_type": "default"})
    for key, setting in own.items():
        value = position[setting] if key != "rope_type" else setting
        if value is not None:
            found[key] = value
    return found


def read_rope(settings: Tree, name: str) -> Tree:
    """Our rotary part for their rope_parameters, or for the older rope_theta and rope_scaling."""
    given: Any = settings.get("rope_parameters") or settings.get("rope_scaling") or {}
    if not isinstance(given, dict):
        raise InputError(f"config.json: rope_parameters of {name} is {given!r}, not a table")
    given = dict(given)
    kind = given.pop("rope_type", given.pop("type", "default"))
    base = {"base": given.get("rope_theta", settings.get("rope_theta", 10000.0))}
    context = settings["max_position_embeddings"]
    trained = given.get("original_max_position_embeddings", context)
    if kind == "default" and given.get("partial_rotary_factor", 1.0) == 1.0:
        return {"part": "rotary", **base}
    if kind == "llama3":
        return {
            "part": "rotary_llama3",
            **base,
            "factor": given["factor"],
            "trained": trained,
            "low": given["low_freq_factor"],
            "high": given["high_freq_factor"],
        }
    if kind == "yarn" and not given.get("mscale"):
        return {
            "part": "rotary_yarn",
            **base,
            "factor": given.get("factor") or context / trained,
            "trained": trained,
            "fast": given.get("beta_fast") or 32.0,
            "slow": given.get("beta_slow") or 1.0,
            "truncate": given.get("truncate", True),
            "magnitude": given.get("attention_factor"),
        }
    if kind == "dynamic":
        return {
            "part": "rotary_dynamic_ntk",
            **base,
            "factor": given["factor"],
            "trained": context,
        }
    raise InputError(
        f"config.json: rope_parameters {kind!r} of {name} have no part here; one of: default, "
        f"llama3, yarn (without mscale), dynamic"
    )


def windows(tree: Tree) -> tuple[int | None, list[str]]:
    """The one width that windows have, and each layer's kind; None where there are none."""
    mixers = tree["model"]["mixer"]
    found = [mixer.get("window") for mixer in mixers]
    kinds = ["full_attention" if window is None else "sliding_attention" for window in found]
    return next((window for window in found if window is not None), None), kinds


def layers(settings: Tree, attention: Tree, kinds: list[str], window: int | None) -> list[Tree]:
    """Our attention of each layer, with a window where theirs slides."""
    depth = settings["num_hidden_layers"]
    if len(kinds) != depth or not set(kinds) <= {"full_attention", "sliding_attention"}:
        raise InputError(
            f"config.json: layer_types name {len(kinds)} layers of kinds {sorted(set(kinds))}; "
            f"{depth} of full_attention or sliding_attention are needed"
        )
    return [
        {**attention, "window": window if kind == "sliding_attention" else None} for kind in kinds
    ]


def entries(tree: Tree, norms: dict[str, str], gain: str, *, query_key: bool) -> dict[str, Entry]:
    """Their tensors: `norms` of a layer by their name (ours with {m} and {f} for its sublayers),
    `gain` our name of a norm's weight, `query_key` whether queries and keys have norms."""
    model = tree["model"]
    found = {
        "model.embed_tokens.weight": Entry(("embedding.weight",)),
        "model.norm.weight": Entry((f"residual.final.{gain}",)),
    }
    if model["head"]["part"] != "tied":
        found["lm_head.weight"] = Entry(("head.weight",))
    for i, mixer in enumerate(model["mixer"]):
        place = f"model.layers.{i}"
        for theirs, ours in MAPS.items():
            for kind in ("weight", "bias") if mixer["bias"] else ("weight",):
                own = Entry((f"mixers.{i}.{ours}.{kind}",))
                found[f"{place}.self_attn.{theirs}_proj.{kind}"] = own
        for name in ("gate", "up", "down"):
            found[f"{place}.mlp.{name}_proj.weight"] = Entry((f"ffns.{i}.{name}.weight",))
        for theirs, ours in norms.items():
            own = Entry((f"residual.{ours.format(m=2 * i, f=2 * i + 1)}.{gain}",))
            found[f"{place}.{theirs}.weight"] = own
        if query_key:
            found[f"{place}.self_attn.q_norm.weight"] = Entry((f"mixers.{i}.query_norm.{gain}",))
            found[f"{place}.self_attn.k_norm.weight"] = Entry((f"mixers.{i}.key_norm.{gain}",))
    return found

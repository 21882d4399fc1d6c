"""What the parity tests share: our model with weights that are no special case, and theirs."""

import warnings
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from partbench.core.config import Config
from partbench.core.numerics import Numerics
from partbench.exchange.huggingface import LAYOUTS
from partbench.exchange.layout import plain, to_theirs
from partbench.models.build import build
from partbench.testing.subject import shake

VOCAB, WIDTH, HEADS, DEPTH, CONTEXT = 64, 64, 4, 4, 32
TOKENS = torch.randint(0, VOCAB, (2, CONTEXT), generator=torch.Generator().manual_seed(0))
SIZES = {
    "vocab_size": VOCAB,
    "hidden_size": WIDTH,
    "num_hidden_layers": DEPTH,
    "num_attention_heads": HEADS,
    "num_key_value_heads": 2,
    "max_position_embeddings": CONTEXT,
    "rms_norm_eps": 1e-6,
}
"""Their names for our sizes."""


def peer(name: str) -> ModuleType:
    """An installed peer, or a skip that says what to install."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        why = f"parity with {name} needs `pip install partbench[dev]`"
        return pytest.importorskip(name, reason=why)


def ours(attention: str = "fused", **slots: Any) -> nn.Module:
    """Our model of those sizes, every parameter shaken; `config` is its configuration."""
    dims = {"depth": DEPTH, "width": WIDTH, "num_heads": HEADS, "num_kv_heads": 2}
    config = Config({"dims": {**dims, "context": CONTEXT, **slots.pop("dims", {})}}).edit(slots)
    numerics = Numerics(attention=attention)  # type: ignore[arg-type]
    model = build(config.resolved, vocab=VOCAB, seed=0, numerics=numerics)
    shake(model, seed=0)
    model.__dict__["config"] = config
    return model


def exported(layout: str, mine: Any, **settings: Any) -> tuple[Any, dict[str, Any]]:
    """Theirs with our weights, as the layout writes both, and the settings it wrote.

    settings: in place of what the layout writes.
    """
    transformers = peer("transformers")
    weights = mine.state_dict()
    tree = plain(mine.config.resolved, weights)
    written = LAYOUTS[layout].write(tree, VOCAB)
    config = transformers.AutoConfig.for_model(layout, **{**written, **settings})
    theirs = getattr(transformers, LAYOUTS[layout].architecture)(config)
    found = to_theirs(LAYOUTS[layout].entries(tree), weights)
    if written["tie_word_embeddings"]:
        found["lm_head.weight"] = weights["embedding.weight"]
    theirs.load_state_dict(found)
    return theirs, written


def projections(mixer: Any) -> dict[str, Tensor]:
    """The four maps under Hugging Face's names."""
    maps = {"q": mixer.query, "k": mixer.key, "v": mixer.value, "o": mixer.output}
    return {f"{name}_proj.weight": layer.weight for name, layer in maps.items()}


def below(prefix: str, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same weights under longer names."""
    return {f"{prefix}.{name}": weight for name, weight in weights.items()}


@torch.no_grad()
def same_logits(mine: Any, theirs: Any) -> None:
    """Equal to 1e-4 in float32, and far from equal logits."""
    expected = theirs.eval()(TOKENS).logits
    assert expected.std() > 0.3
    torch.testing.assert_close(mine(TOKENS), expected, rtol=0, atol=1e-4)


@torch.no_grad()
def same_when_decoded(mine: Any) -> None:
    """Ours from a cache, one token at a time, is ours at once."""
    whole, state = mine(TOKENS), mine.begin(len(TOKENS), CONTEXT)
    for t in range(CONTEXT):
        found, state = mine.step(TOKENS[:, t : t + 1], state)
        torch.testing.assert_close(found, whole[:, t : t + 1], rtol=0, atol=1e-4)

"""A model folder: any model of ours so that transformers' `AutoModelForCausalLM` loads it.

config.json            our resolved configuration under "partbench", and sizes by common names
model.safetensors      weights by our names below "model."
tokenizer.json         a standard one
modeling_partbench.py  three lines that import the installed partbench (`trust_remote_code=True`)
"""

from pathlib import Path
from typing import Any

from safetensors.torch import save

from partbench import __version__
from partbench.core.errors import CheckpointError, InputError, PartbenchError
from partbench.core.files import write_json, write_whole
from partbench.core.numerics import Numerics
from partbench.core.resolve import named, resolve
from partbench.exchange import safely
from partbench.exchange.coder import Coder
from partbench.exchange.trained import Trained, causal, shapes

KIND, PREFIX, CODE = "partbench", "model.", "modeling_partbench.py"
REMOTE = '''"""A model of partbench: `pip install partbench` brings the code."""

from partbench.exchange.remote import PartbenchConfig, PartbenchForCausalLM

__all__ = ["PartbenchConfig", "PartbenchForCausalLM"]
'''


def refuse_full(folder: Path) -> None:
    """InputError where something else lies in the folder already."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder}: is there already; name a folder that is empty or new")


def settings_of(trained: Trained) -> dict[str, Any]:
    """The config.json of a model folder."""
    dims = trained.tree["dims"]
    numerics = trained.numerics
    precise = "float64" if numerics.precision == "float64" else "float32"
    return {
        "model_type": KIND,
        "architectures": ["PartbenchForCausalLM"],
        "auto_map": {
            "AutoConfig": "modeling_partbench.PartbenchConfig",
            "AutoModelForCausalLM": "modeling_partbench.PartbenchForCausalLM",
        },
        "dtype": precise,
        "vocab_size": trained.vocab,
        "hidden_size": dims["width"],
        "num_hidden_layers": dims["depth"],
        "num_attention_heads": dims["num_heads"],
        "max_position_embeddings": dims["context"],
        "bos_token_id": None,
        "eos_token_id": None,
        "pad_token_id": None,
        KIND: {
            "version": __version__,
            "dims": dims,
            "model": trained.tree["model"],
            "numerics": {"precision": precise, "attention": numerics.attention},
            "origin": trained.origin,
        },
    }


def write(trained: Trained, folder: Path) -> None:
    """Write the folder; InputError for a model that is not causal or has code of its own."""
    causal(trained.model(), trained.name)
    outside = sorted({part for _, part in named({"model": trained.tree["model"]}) if ":" in part})
    if outside:
        raise InputError(
            f"{trained.name}: {outside[0]} is code of your own, which a model folder does not "
            f"carry; add the part to partbench, or use the cell itself"
        )
    refuse_full(folder)
    weights = {PREFIX + name: t.clone().contiguous() for name, t in trained.weights.items()}
    write_whole(folder / safely.WEIGHTS, save(weights, metadata={"format": "pt"}))
    write_whole(folder / CODE, REMOTE)
    if trained.coder is not None:
        for name, text in trained.coder.files().items():
            write_whole(folder / name, text)
    write_json(folder / safely.CONFIG, settings_of(trained))


def read(folder: Path) -> Trained:
    """What a model folder holds; CheckpointError, one line, for anything that is not one."""
    settings = safely.read_json(folder / safely.CONFIG)
    if settings.get("model_type") != KIND:
        raise InputError(
            f"{folder}: a {settings.get('model_type')!r}; `partbench import {folder} NEW_FOLDER` "
            f"makes a model folder of it"
        )
    weights = safely.Weights(folder)
    tree, vocab, numerics = understood(settings, folder, len(weights))
    found = {name.removeprefix(PREFIX): name for name in weights}
    _check(tree, vocab, {n: weights.shapes[old] for n, old in found.items()}, folder)
    return Trained(
        tree=tree,
        vocab=vocab,
        weights={name: weights[old] for name, old in found.items()},
        numerics=numerics,
        coder=Coder.read(folder),
        name=str(folder),
        origin=settings[KIND].get("origin", {}),
    )


def understood(
    settings: dict[str, Any], folder: Path, tensors: int
) -> tuple[dict[str, Any], int, Numerics]:
    """Configuration, vocabulary and numerics of a config.json; CheckpointError if it is none."""
    place = folder / safely.CONFIG
    try:
        ours = settings[KIND]
        tree = resolve({"dims": ours["dims"], "model": ours["model"]})
        if any(":" in part for _, part in named(tree)):  # a path to code, which is never run
            raise CheckpointError("names code of its own, which is not run from a model folder")
        vocab, depth = settings["vocab_size"], tree["dims"]["depth"]
        if type(vocab) is not int or vocab < 1 or depth > max(tensors, 64):
            raise CheckpointError(f"vocab_size {vocab!r}, {depth} layers: not of this folder")
        return tree, vocab, Numerics(**ours["numerics"])
    except PartbenchError as error:
        raise CheckpointError(f"{place}: {error}") from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CheckpointError(f"{place}: not a model of partbench ({_line(error)})") from None


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


def _check(
    tree: dict[str, Any], vocab: int, found: dict[str, tuple[int, ...]], folder: Path
) -> None:
    """The weights are those of the configuration, before any is read.

    A model that learns by counting has as many counts as there were: names alone are compared.
    """
    wanted, counted = shapes(tree, vocab)
    if wrong := sorted(wanted.keys() ^ found.keys()):
        raise CheckpointError(f"{folder}: {wrong[0]} is not in both weights and configuration")
    for name, shape in wanted.items():
        if found[name] != shape and not counted:
            raise CheckpointError(
                f"{folder}: {name} is {list(found[name])}; config.json says {list(shape)}"
            )

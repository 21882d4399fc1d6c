"""Models out to layouts of Hugging Face's and in from them, as safetensors, config.json, tokenizer.

Out: multipliers are folded into weights, then the layout must give the same model back, or every
part that it loses is named. In: shapes first, then weights, then a model folder of ours.
"""

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save

from partbench import __version__
from partbench.core.errors import CheckpointError, InputError, PartbenchError, nearest
from partbench.core.files import write_json, write_whole
from partbench.core.numerics import Numerics
from partbench.core.resolve import resolve
from partbench.exchange import own, safely
from partbench.exchange.coder import Coder
from partbench.exchange.folding import folded
from partbench.exchange.gemma2 import Gemma2
from partbench.exchange.gpt2 import GPT2
from partbench.exchange.layout import Entry, Layout, misfits, plain, refuse, to_ours, to_theirs
from partbench.exchange.llama import Llama
from partbench.exchange.qwen3 import Qwen3
from partbench.exchange.trained import Trained, shapes

LAYOUTS: dict[str, Layout] = {
    layout.name: layout for layout in (Llama(), Qwen3(), Gemma2(), GPT2())
}
ANY = "`--to partbench` holds every model"


def fitting(layout: Layout, trained: Trained) -> tuple[dict[str, Any], Trained]:
    """Their settings, and what was trained as they hold it; InputError naming all that they lose.

    What comes back has no transfer any more and its multipliers in its weights.
    """
    if trained.tree["model"]["part"] != "transformer":
        what = f"model = {trained.tree['model']['part']} ({layout.name} is a transformer)"
        refuse(layout, [what], trained.name, ANY)
    tree, weights = folded(trained.tree, trained.weights, layout.holds_scale)
    simple = plain(tree, weights)
    settings = layout.write(simple, trained.vocab)
    try:
        reasons = misfits(layout, simple, trained.vocab, weights)
    except InputError as error:  # sizes that the layout has no numbers for
        reasons = [str(error)]
    dims = simple["dims"]
    if not reasons and dims["width"] % dims["num_heads"]:
        reasons = [f"dims.width = {dims['width']} is no multiple of {dims['num_heads']} heads"]
    refuse(layout, reasons, trained.name, ANY)
    settings |= {"model_type": layout.name, "architectures": [layout.architecture]}
    held = {"tree": tree, "weights": weights}
    return settings, Trained(**{**trained.__dict__, **held})


def entries_of(layout: Layout, trained: Trained) -> dict[str, Entry]:
    """Their tensors and which of ours each is, for what `fitting` gave."""
    return layout.entries(plain(trained.tree, trained.weights))


def write(layout: Layout, trained: Trained, folder: Path) -> None:
    """Write the folder that transformers loads; InputError where the layout cannot hold it."""
    settings, held = fitting(layout, trained)
    tensors = to_theirs(entries_of(layout, held), held.weights)
    kinds = {str(tensor.dtype).removeprefix("torch.") for tensor in tensors.values()}
    settings |= {"dtype": max(kinds), "partbench": {"version": __version__, **trained.origin}}
    own.refuse_full(folder)
    # Saved through a copy each, so that what two names share is written twice.
    content = {name: tensor.clone() for name, tensor in tensors.items()}
    write_whole(folder / safely.WEIGHTS, save(content, metadata={"format": "pt"}))
    if trained.coder is not None:
        for name, text in trained.coder.files().items():
            write_whole(folder / name, text)
    write_json(folder / safely.CONFIG, settings)


def read(folder: Path) -> Trained:
    """What a folder holds in one of the layouts; CheckpointError or InputError, one line."""
    settings = safely.read_json(folder / safely.CONFIG)
    kind = settings.get("model_type")
    if kind not in LAYOUTS:
        raise InputError(
            f"{folder / safely.CONFIG}: model_type {kind!r} cannot be imported; "
            f"{nearest(str(kind), LAYOUTS)}"
        )
    layout, weights = LAYOUTS[kind], safely.Weights(folder)
    vocab = settings.get("vocab_size")
    depth = settings.get("num_hidden_layers", settings.get("n_layer", 12))
    if type(vocab) is not int or type(depth) is not int or vocab < 1 or depth > len(weights):
        raise CheckpointError(
            f"{folder / safely.CONFIG}: {vocab!r} tokens and {depth!r} layers do not belong to "
            f"{len(weights)} tensors"
        )
    try:
        tree = resolve(layout.read(settings))
        entries = layout.entries(plain(tree, {}))
        theirs = _named(layout, entries, weights)
        _check(tree, vocab, entries, theirs)
        ours = to_ours(entries, theirs)
    except PartbenchError as error:
        raise CheckpointError(f"{folder}: {error}") from None
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise CheckpointError(
            f"{folder / safely.CONFIG}: not the settings of a {kind} ({error})"
        ) from None
    return Trained(
        tree=tree,
        vocab=vocab,
        weights=ours,
        numerics=Numerics(),
        coder=Coder.read(folder),
        name=str(folder),
        origin={"imported": kind},
    )


class _Renamed(safely.Weights):
    """Weights whose names lack a prefix, or bring a tied head along."""

    def __init__(self, weights: safely.Weights, names: dict[str, str]) -> None:
        self.files = {name: weights.files[old] for name, old in names.items()}
        self.shapes = {name: weights.shapes[old] for name, old in names.items()}
        self.names, self.weights = names, weights

    def __getitem__(self, name: str) -> torch.Tensor:
        return self.weights[self.names[name]]


def _named(layout: Layout, entries: dict[str, Entry], weights: safely.Weights) -> safely.Weights:
    """The weights under the layout's full names; older GPT-2 files leave out `transformer.`.

    CheckpointError for tensors that nobody asked for: they would be left out without a word.
    """
    prefix = next(iter(entries)).partition(".")[0] + "."
    bare = not any(name.startswith(prefix) for name in weights)
    names = {(prefix + name if bare and name != "lm_head.weight" else name): name
             for name in weights}  # fmt: skip
    # Masks and frequencies of old files are no weights; a tied head repeats the embedding.
    idle = (".attn.bias", ".attn.masked_bias", ".rotary_emb.inv_freq")
    tied = {"lm_head.weight"} - entries.keys()
    names = {name: old for name, old in names.items() if not name.endswith(idle)}
    extra = sorted(names.keys() - entries.keys() - tied)
    if extra:
        raise CheckpointError(f"{len(extra)} tensors have no place in a {layout.name}: {extra[0]}")
    return _Renamed(weights, {name: old for name, old in names.items() if name not in tied})


def _check(
    tree: dict[str, Any], vocab: int, entries: dict[str, Entry], theirs: safely.Weights
) -> None:
    """Every tensor is there and has the shape that the settings say, before any is read."""
    wanted, _ = shapes(tree, vocab)
    for name, entry in entries.items():
        ours = [wanted[own] for own in entry.ours]
        shape = (sum(own[0] for own in ours), *ours[0][1:])
        shape = shape[::-1] if entry.transposed else shape
        if theirs.shapes.get(name) != shape:
            found = theirs.shapes.get(name)
            raise CheckpointError(
                f"{name} is {'missing' if found is None else list(found)}; "
                f"config.json says {list(shape)}"
            )

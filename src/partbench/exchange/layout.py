"""What a layout of Hugging Face's is to us, and what it can hold.

A layout says how a configuration of ours is written as a `config.json` of its own, how such a file
is read back, and which tensor of theirs is which of ours. What it cannot hold is then no list that
somebody keeps: it is the difference between a model and the model that is read back.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from partbench.core.config import flatten
from partbench.core.errors import CheckpointError, InputError
from partbench.core.menu import find
from partbench.core.resolve import resolve
from partbench.parts.position.rotary_ntk import stretched

Tree = dict[str, Any]


class Entry(NamedTuple):
    """A tensor of theirs: ours, stacked along the first axis where several, transposed if so."""

    ours: tuple[str, ...]
    transposed: bool = False


class Layout(Protocol):
    """One of Hugging Face's model types.

    name: as in `--to`, and their model_type; architecture: their class;
    holds_scale: whether the scale of scores can be any number 1 / sqrt(n).
    """

    name: str
    architecture: str
    holds_scale: bool

    def write(self, tree: Tree, vocab: int) -> Tree:
        """Their settings for a plain tree of ours; what has no place in them is left out."""
        ...

    def read(self, settings: Tree) -> Tree:
        """A declared tree of ours (dims and model) for their settings.

        Raises InputError (through `refuse`) for settings that no part of ours has.
        """
        ...

    def entries(self, tree: Tree) -> dict[str, Entry]:
        """Every tensor of theirs by name, for a plain tree that fits."""
        ...


def plain(tree: Tree, weights: Mapping[str, Any]) -> Tree:
    """What decides a model's function, one way to write it: dims, and parts layer by layer.

    tree: a resolved configuration without width or depth transfer; weights: ours, for the sizes
    that settings round. Lists are laid out over depth; a static NTK is a base; defaults that follow
    from sizes are numbers; a bias that the model leaves out is off; training's own are left out.
    """
    dims, model = dict(tree["dims"]), tree["model"]
    kept = ("depth", "width", "num_heads", "num_kv_heads", "head_width", "context")
    found: Tree = {"dims": {name: dims[name] for name in kept}, "model": {}}
    parts = {slot: v for slot, v in model.items() if slot not in ("part", "biases")}
    asked = {
        name
        for slot, value in parts.items()
        for item in (value if isinstance(value, list) else [value])
        for name in find(slot, item["part"]).given
    }
    for slot, value in parts.items():
        if slot == "router" and not asked & {"router"}:
            continue
        tiled = slot in ("mixer", "ffn", "position")
        items = value if isinstance(value, list) else [value]
        layers = [dict(items[i % len(items)]) for i in range(dims["depth"] if tiled else 1)]
        for layer, part in enumerate(layers):
            _settle(part, slot, layer, dims, weights)
            if not model.get("biases", True) and "bias" in part:
                part["bias"] = False
        found["model"][slot] = layers if tiled else layers[0]
    return found


def _settle(part: Tree, slot: str, layer: int, dims: Tree, weights: Mapping[str, Any]) -> None:
    """Write one part's settings the one way."""
    if slot == "head":
        part.pop("z_loss", None)
    if slot == "ffn" and f"ffns.{layer}.up.weight" in weights:
        part["ratio"] = weights[f"ffns.{layer}.up.weight"].shape[0] / dims["width"]
    if slot == "mixer" and "scale" in part:
        scale = part["scale"] or dims["head_width"] ** -0.5
        part["scale"] = float(f"{scale:.12g}")
    if slot == "position":
        if "trained" in part:
            part["trained"] = part["trained"] or dims["context"]
        if part["part"] == "rotary_ntk":
            base = stretched(part["base"], part["factor"], dims["head_width"])
            part.clear()
            part.update(part="rotary", base=base, layout="half_split", share=1.0)


def resolved(declared: Tree, weights: Mapping[str, Any]) -> Tree:
    """`plain` of what a layout read."""
    return plain(resolve(declared), weights)


def misfits(layout: Layout, tree: Tree, vocab: int, weights: Mapping[str, Any]) -> list[str]:
    """Everything of a plain tree that is lost on the way into the layout and back, in words."""
    back = resolved(layout.read(layout.write(tree, vocab)), weights)
    mine, theirs = flatten(tree), flatten(back)
    rows: dict[tuple[str, str, str], None] = {}
    for path in mine:
        if mine[path] == theirs.get(path):
            continue
        owner = path.rpartition(".")[0]
        if not path.endswith(".part") and mine.get(f"{owner}.part") != theirs.get(f"{owner}.part"):
            continue  # the part itself is another: its settings say nothing more
        slot = path.removeprefix("model.").removesuffix(".part")
        word = slot.partition("[")[0] + slot.partition("]")[2] if "[" in slot else slot
        rows[word, _word(mine[path]), _word(theirs.get(path))] = None
    return [f"{word} = {own} ({layout.name} has {other})" for word, own, other in rows]


def _word(value: Any) -> str:
    return (
        "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    )


def refuse(layout: Layout, reasons: list[str], what: str, instead: str) -> None:
    """InputError that names every reason, where there is one."""
    if reasons:
        raise InputError(f"{layout.name} cannot hold {what}: {'; '.join(reasons)}; {instead}")


def to_theirs(entries: dict[str, Entry], ours: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Our tensors under their names and in their shapes."""
    found = {}
    for name, entry in entries.items():
        tensor = torch.cat([ours[part] for part in entry.ours])
        found[name] = (tensor.T if entry.transposed else tensor).contiguous()
    return found


def to_ours(entries: dict[str, Entry], theirs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Their tensors under our names and in our shapes; CheckpointError where one is missing."""
    found: dict[str, Tensor] = {}
    for name, entry in entries.items():
        if name not in theirs:
            raise CheckpointError(f"the weights have no {name}; is it another architecture?")
        tensor = theirs[name].T if entry.transposed else theirs[name]
        pieces = tensor.chunk(len(entry.ours))
        for own, piece in zip(entry.ours, pieces, strict=True):
            found.setdefault(own, piece.contiguous())
    return found

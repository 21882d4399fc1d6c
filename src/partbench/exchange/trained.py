"""A trained model with all it needs to be used: from a cell's folder or from a model folder.

A model folder is what `own.write` makes (and `AutoModelForCausalLM` loads): config.json with our
configuration in it, safetensors, tokenizer.json.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from partbench.core import cell as names
from partbench.core.cell import Cell
from partbench.core.errors import CheckpointError, InputError
from partbench.core.numerics import Numerics
from partbench.core.outside import source_hash
from partbench.exchange import safely
from partbench.exchange.coder import Coder, Own
from partbench.models.build import assemble
from partbench.models.contract import Decoder, Network
from partbench.tasks.build import build_task
from partbench.tasks.contract import Readable

Tree = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Trained:
    """tree: resolved; weights by our names; origin: where they come from, for records."""

    tree: Tree
    vocab: int
    weights: dict[str, Tensor]
    numerics: Numerics
    coder: Coder | Own | None
    name: str
    origin: Tree = field(default_factory=dict)

    def model(self) -> Network:
        """The model, ready to be used; CheckpointError where the weights are of another one."""
        model = assemble(self.tree, vocab=self.vocab, seed=0, numerics=self.numerics)
        wide = torch.float64 if self.numerics.precision == "float64" else torch.float32
        model = model.to(device=self.numerics.device, dtype=wide)
        try:
            model.load_state_dict(self.weights)
        except RuntimeError as error:
            line = " ".join(str(error).split())
            raise CheckpointError(f"{self.name}: weights of another model ({line})") from None
        return model.eval()

    def text(self) -> Coder | Own:
        """The tokenizer; InputError where there is none."""
        if self.coder is None:
            raise InputError(f"{self.name}: has no tokenizer.json, so it can read no text")
        return self.coder


def shapes(tree: Tree, vocab: int) -> tuple[dict[str, tuple[int, ...]], bool]:
    """Shape of every tensor by our names, and whether counting may change it; takes no memory.

    CheckpointError for sizes that no tensor can have.
    """
    try:
        with torch.device("meta"):
            model = assemble(tree, vocab=vocab, seed=0, numerics=Numerics())
    except RuntimeError as error:
        raise CheckpointError(f"config.json: {' '.join(str(error).split())}") from None
    counted = "train" not in type(model).PHASES
    return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}, counted


def causal(model: Network, name: str) -> Any:
    """The model if it can continue a text piece by piece; InputError otherwise."""
    if not isinstance(model, Decoder):
        raise InputError(
            f"{name}: its model ({type(model).__name__}) is no causal language model: it has no "
            f"`begin` and `step`"
        )
    return model


def open_folder(folder: Path) -> Trained:
    """What was trained in the folder of a cell, or what a model folder holds.

    Raises CheckpointError where there are no weights, with how to keep them next time.
    """
    if (folder / names.SPEC).is_file():
        return _of_cell(folder)
    if (folder / safely.CONFIG).is_file():
        from partbench.exchange import own

        return own.read(folder)
    raise InputError(
        f"{folder}: neither a cell (spec.json) nor a model folder (config.json); give the "
        f"beginning of a cell's id, see `partbench ledger list`"
    )


def _of_cell(folder: Path) -> Trained:
    cell = Cell.read(folder / names.SPEC)
    path, name = folder / names.WEIGHTS, f"cell {cell.id[:12]}"
    if not path.exists():
        ended = (folder / names.RECORD).exists()
        raise CheckpointError(
            f"{folder}: no trained weights here; "
            + (
                "the cell failed or diverged, or `ledger gc --weights` or an import without "
                "`--whole` left them out: train it again, or take another cell"
                if ended
                else "the cell has not finished"
            )
        )
    for part, known in cell.code.items():
        file = Path(part.rpartition(":")[0])
        if file.is_file() and source_hash(file) != known:
            raise CheckpointError(
                f"{part}: the file has changed since {cell.id[:12]} was trained with it; "
                f"weights fit the code they were trained with"
            )
    task = build_task(cell.config, cell.seed)
    tokenizer = getattr(task, "tokenizer", None)
    if not isinstance(task, Readable):
        raise InputError(f"{folder}: its task is not about text; there is nothing to continue")
    return Trained(
        tree=cell.config,
        vocab=task.vocab,
        weights=dict(safely.Weights(folder)),
        numerics=cell.how,
        coder=None if tokenizer is None else Coder.of(tokenizer),
        name=name,
        origin={"cell": cell.id, "seed": cell.seed, "torch": cell.torch},
    )

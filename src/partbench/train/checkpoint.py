"""Checkpoints: model, optimiser and step in one safetensors file, whole or not there.

Only safetensors and JSON are ever read, so a stranger's checkpoint cannot run code.
"""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from partbench.core.errors import CheckpointError
from partbench.core.files import write_whole
from partbench.train import parallel


def write(
    path: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer | None,
    facts: dict[str, Any],
    first: bool = True,
) -> None:
    """Save everything a run needs to go on to the same bits. `facts` must be JSON.

    The file is the same however many ranks there are; all call this, the `first` writes.
    """
    tensors = {f"model/{name}": value for name, value in model.state_dict().items()}
    scalars: dict[str, dict[str, Any]] = {}
    state = {} if optimizer is None else optimizer.state_dict()["state"]
    for index, entries in state.items():
        for key, value in entries.items():
            if isinstance(value, torch.Tensor):
                tensors[f"optimizer/{index}/{key}"] = value
            else:
                scalars.setdefault(str(index), {})[key] = value
    metadata = {"facts": json.dumps(facts), "scalars": json.dumps(scalars)}
    full = {name: parallel.whole(tensor.detach()) for name, tensor in tensors.items()}
    if first:
        content = {name: tensor.cpu().contiguous() for name, tensor in full.items()}
        write_whole(path, save(content, metadata=metadata))


def read(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any], dict[str, Any]]:
    """Tensors by name, facts, and the optimiser's plain numbers; CheckpointError if damaged."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}
        return tensors, json.loads(metadata["facts"]), json.loads(metadata["scalars"])
    except (SafetensorError, KeyError, ValueError, OSError) as error:
        raise CheckpointError(f"{path}: damaged or not a checkpoint ({error})") from None


def restore(
    path: Path, cell: str, model: nn.Module, optimizer: torch.optim.Optimizer | None
) -> dict[str, Any]:
    """Load `path` into model and optimiser; returns the facts.

    Raises CheckpointError where the file is damaged or was written by another cell.
    """
    tensors, facts, scalars = read(path)
    if facts.get("cell") != cell:
        raise CheckpointError(
            f"{path}: belongs to cell {str(facts.get('cell'))[:12]}, not to {cell[:12]}; "
            f"a checkpoint goes on only with the configuration it was begun with"
        )
    held = model.state_dict()
    weights = {n.removeprefix("model/"): t for n, t in tensors.items() if n.startswith("model/")}
    weights = {n: parallel.like(t, held[n]) if n in held else t for n, t in weights.items()}
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise CheckpointError(f"{path}: does not fit this model ({error})") from None
    if optimizer is not None:
        state: dict[int, dict[str, Any]] = {int(i): dict(values) for i, values in scalars.items()}
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        for name, tensor in tensors.items():
            if name.startswith("optimizer/"):
                _, index, key = name.split("/", 2)
                own = parallel.like(tensor, parameters[int(index)])
                state.setdefault(int(index), {})[key] = own
        optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
    return facts

"""Sampling from a trained cell through the model contract: begin once, then step by step."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from partbench.core import cell as names
from partbench.core import rng
from partbench.core.cell import Cell
from partbench.core.errors import CheckpointError, InputError
from partbench.core.outside import source_hash
from partbench.models.build import build
from partbench.models.contract import Decoder
from partbench.tasks.build import build_task
from partbench.tasks.contract import Readable, offered


@torch.no_grad()
def continuation(
    folder: Path, prompt: str, tokens: int, temperature: float, seed: int
) -> Iterator[str]:
    """Pieces of text after `prompt` from the cell in `folder`; p ~ exp(logits / temperature).

    Raises CheckpointError where the cell has no weights, InputError for an empty prompt or beyond
    the length the model's positions allow.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    cell = Cell.read(folder / names.SPEC)
    path = folder / names.WEIGHTS
    if not path.exists():
        raise CheckpointError(f"{folder}: no trained weights here; the cell has not finished")
    for name, known in cell.code.items():
        file = Path(name.rpartition(":")[0])
        if file.is_file() and source_hash(file) != known:
            raise CheckpointError(
                f"{name}: the file has changed since {folder.name[:12]} was trained with it; "
                f"weights fit the code they were trained with"
            )
    task = build_task(cell.config, cell.seed)
    if not isinstance(task, Readable):
        raise InputError(f"{folder}: its task is not about text; there is nothing to continue")
    model = build(cell.config, seed=cell.seed, numerics=cell.how, **offered(task))
    try:
        model.load_state_dict(load_file(path))
    except (SafetensorError, RuntimeError) as error:
        raise CheckpointError(f"{path}: damaged or of another model ({error})") from None
    start = task.encode(prompt)
    if not len(start):
        raise InputError("--prompt is empty; give at least one character")
    if not isinstance(model, Decoder):
        raise InputError(f"{folder}: its model has no `begin` and `step` to continue a text with")
    state = model.begin(1, len(start) + tokens)
    logits, state = model.step(start.unsqueeze(0), state)
    generator = rng.stream(seed, "sample", cell.id)
    said = ""
    ids: list[int] = []
    for _ in range(tokens):
        ids.append(_draw(logits[0, -1].double().numpy(), temperature, generator))
        text = task.decode(ids)
        if not text.endswith("\ufffd"):  # the middle of a character: wait for the rest of it
            yield text[len(said) :]
            said = text
        logits, state = model.step(torch.tensor([[ids[-1]]]), state)


def _draw(logits: np.ndarray, temperature: float, generator: np.random.Generator) -> int:
    if temperature == 0:
        return int(logits.argmax())
    weights = np.exp((logits - logits.max()) / temperature)
    return int(generator.choice(len(weights), p=weights / weights.sum()))

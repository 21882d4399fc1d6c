"""Reading a stranger's model folder: JSON and safetensors alone, sizes first, no path out of it.

Nothing that can run code is opened: no pickle, no Python file. A header of a safetensors file is
checked by its library against the file's length, so a name, a shape or a size that lies is refused
before memory is taken for it.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from partbench.core.errors import CheckpointError

WEIGHTS, INDEX, CONFIG = "model.safetensors", "model.safetensors.index.json", "config.json"
LARGEST_JSON = 64 << 20
"""Bytes of a JSON file; the largest tokenizers have some 30 MB."""
KINDS = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8}
"""Types that weights (and the counts of an n-gram) may have, and their bytes."""


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file; CheckpointError where it is missing, too large or none."""
    try:
        if path.stat().st_size > LARGEST_JSON:
            raise CheckpointError(f"{path}: {path.stat().st_size} bytes is no {path.name}")
        tree = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CheckpointError(f"{path}: there is no such file") from None
    except (ValueError, OSError, RecursionError) as error:
        raise CheckpointError(f"{path}: cannot be read as JSON ({error})") from None
    if not isinstance(tree, dict):
        raise CheckpointError(f"{path}: holds no table")
    return tree


class Weights(Mapping[str, Tensor]):
    """The tensors of a folder by name, read one at a time; shapes are known without reading.

    Raises CheckpointError for a folder without safetensors, an index that points out of the
    folder, a damaged file, or types that weights do not have.
    """

    def __init__(self, folder: Path) -> None:
        self.files: dict[str, Path] = {}
        self.shapes: dict[str, tuple[int, ...]] = {}
        for file in _files(folder):
            try:
                with safe_open(file, framework="pt") as opened:
                    for name in opened.keys():
                        piece = opened.get_slice(name)
                        if piece.get_dtype() not in KINDS:
                            raise CheckpointError(
                                f"{file}: {name} is {piece.get_dtype()}; weights that can be read "
                                f"are {', '.join(KINDS)}"
                            )
                        if name in self.files:
                            raise CheckpointError(f"{file}: {name} is in {self.files[name]}, too")
                        self.files[name] = file
                        self.shapes[name] = tuple(piece.get_shape())
            except (SafetensorError, OSError) as error:
                raise CheckpointError(f"{file}: damaged or no safetensors ({error})") from None

    def __getitem__(self, name: str) -> Tensor:
        with safe_open(self.files[name], framework="pt") as opened:
            tensor: Tensor = opened.get_tensor(name)
        return tensor if tensor.dtype in (torch.float64, torch.int64) else tensor.float()

    def __iter__(self) -> Iterator[str]:
        return iter(self.files)

    def __len__(self) -> int:
        return len(self.files)


def _files(folder: Path) -> list[Path]:
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    if not (folder / INDEX).is_file():
        others = sorted(p.name for p in folder.glob("*.bin")) if folder.is_dir() else []
        why = f"{others[0]} is a pickle, which can run code; " if others else ""
        raise CheckpointError(
            f"{folder}: no {WEIGHTS} here; {why}only safetensors are read: save it anew with "
            f"transformers' `save_pretrained`"
        )
    named = read_json(folder / INDEX).get("weight_map")
    if not isinstance(named, dict) or not named:
        raise CheckpointError(f"{folder / INDEX}: has no weight_map")
    files = []
    for name in sorted({str(value) for value in named.values()}):
        # A plain name, on every system: no folder, no drive, no way up.
        if not name.endswith(".safetensors") or set(name) & set("/\\:\0") or name.startswith("."):
            raise CheckpointError(
                f"{folder / INDEX}: names the file {name!r}; only *.safetensors in the folder "
                f"itself are read"
            )
        files.append(folder / name)
    return files

"""Write the golden files anew: ten losses of each named recipe, parameter names of each part.

    python -m tests.golden.rewrite        (`make golden`)

Run it only where results are meant to change, and say so in CHANGELOG under "changes results".
"""

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

from partbench.core import menu
from partbench.core.cell import Cell
from partbench.core.config import Config
from partbench.testing import Subject
from partbench.testing.subject import BUILT
from partbench.train.loop import Run

HERE = Path(__file__).resolve().parent
LOSSES, KEYS = HERE / "losses.json", HERE / "keys.json"
STEPS, SEED = 10, 1

BASE = Config(
    {
        "dims": {"depth": 2, "width": 32, "num_heads": 4, "num_kv_heads": 2, "context": 16},
        "task": {"evaluation_tokens": 64},
        "train": {"steps": STEPS, "batch": 8, "accumulate": 2, "evaluations": 1},
    }
)
GPT2 = {
    "position": "learned",
    "norm": {"part": "layernorm", "bias": True},
    "mixer": {"part": "attention", "bias": True},
    "ffn": {"part": "mlp", "bias": True},
    "head": {"part": "tied", "z_loss": 0.0},
    "dims.num_kv_heads": 4,
    "schedule": "cosine",
}
RECIPES: dict[str, dict[str, Any]] = {
    "gpt2": GPT2,
    "transformer_pp": {"mixer.query_key_norm": True},
    "hyper_connections": {"residual": "hyper_connections"},
    "post_norm": {"residual": "post_norm", "ffn": "relu_squared", "position": "sinusoidal"},
    "capped": {
        "head": {"part": "linear", "cap": 15.0},
        "position": "none",
        "schedule": "wsd",
        "init": "normal",
    },
}
"""Between them every part that ships takes part in one."""


def ten_losses(name: str, folder: Path) -> list[float]:
    """Training losses of the recipe's first ten steps, float64, one thread."""
    numerics = {"precision": "float64", "attention": "fused", "threads": 1, "device": "cpu"}
    config = BASE.edit(RECIPES[name]).resolved
    run = Run(Cell(config=config, seed=SEED, numerics=numerics, torch=""), folder)
    return [run._step(step, STEPS)[0] for step in range(STEPS)]


def parts() -> dict[str, list[str]]:
    """Every part that makes a model -> the names under which its tiny model is saved."""
    return {
        f"{slot}={name}": list(Subject(slot, name).model(awake=False).state_dict())
        for slot in BUILT
        for name in menu.names(slot)
    }


def read(path: Path) -> dict[str, Any]:
    """What is stored, empty before the first time."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def main() -> None:
    """Compute, compare, write; say what a reader of CHANGELOG needs to know."""
    with tempfile.TemporaryDirectory() as folder:
        losses = {name: ten_losses(name, Path(folder) / name) for name in RECIPES}
    changed = []
    for path, fresh in ((LOSSES, losses), (KEYS, parts())):
        before = read(path)
        changed += [name for name in before if before[name] != fresh.get(name)]
        path.write_text(json.dumps(fresh, indent=1) + "\n", encoding="utf-8")
        print(f"{path.name}: {len(fresh)} entries, {len(fresh.keys() - before.keys())} new")
    if changed:
        print(f"changed: {', '.join(changed)}")
        print('Now write a line under "changes results" in CHANGELOG.md that says why,')
        print("and raise EPOCH in src/partbench/core/cell.py, so that no old result is reused.")


if __name__ == "__main__":
    sys.exit(main())

"""Time and memory of residual parts over the plain one, beside the `hyper-connections` package.

    python benchmarks/residual.py [--shape 11m] [--rounds 6] [--steps 4] [--threads 1]
                                  [--precision bfloat16] [--only mhc dynamic_mhc ...] [--json]

Each variant is partbench's own model in its own trainer, with that residual part, in a fresh
process; a few of them at a time take blocks of steps in turn with the plain residual, and the ratio
to it is printed with its interval. The package's modules stand in the same model, through
`package_residual.py`.
Memory: bytes that one batch saves for its derivative, counted, and what two steps take at their
peak.
"""

import argparse
import dataclasses
import json
import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from partbench.core.errors import CellError
from partbench.measure import machine, memory
from partbench.measure.timing import clocked, interleave
from partbench.measure.workers import Worker, serve, settings

SHAPES = {
    "tiny": {"depth": 2, "width": 32, "num_heads": 1, "context": 32, "batch": 4},
    "0.4m": {"depth": 3, "width": 96, "num_heads": 3, "context": 64, "batch": 16},
    "11m": {"depth": 6, "width": 384, "num_heads": 6, "context": 256, "batch": 16},
    "deep": {"depth": 24, "width": 192, "num_heads": 3, "context": 256, "batch": 4},
}
PLAIN = "pre_norm"
PACKAGE = f"{Path(__file__).with_name('package_residual.py')}:PackageStreams"
VARIANTS: dict[str, Any] = {
    PLAIN: {"part": "pre_norm"},
    "layer_scale": {"part": "layer_scale"},
    "orthogonal": {"part": "orthogonal"},
    "orthogonal_parallel": {"part": "orthogonal_parallel"},
    "laurel": {"part": "laurel"},
    "value_residual": {"part": "value_residual"},
    "x0_skip": {"part": "x0_skip"},
    "unet_skips": {"part": "unet_skips"},
    "dense_former": {"part": "dense_former"},
    "mudd last two": {"part": "mudd", "last": 2},
    "attention_residuals": {"part": "attention_residuals"},
    "frac_connections": {"part": "frac_connections"},
    "altup": {"part": "altup"},
    "hyper_connections": {"part": "hyper_connections"},
    "mhc": {"part": "mhc"},
    "mhc identity": {"part": "mhc", "carry": "identity"},
    "dynamic_hyper_connections": {"part": "dynamic_hyper_connections"},
    "dynamic_mhc": {"part": "dynamic_mhc"},
    "dynamic_mhc kronecker": {"part": "dynamic_mhc", "carry": "kronecker"},
    "package dynamic": {"part": PACKAGE, "kind": "dynamic"},
    "package mhc": {"part": PACKAGE, "kind": "mhc"},
}
"""Name -> the slot `residual` of the configuration; four streams or pieces where there are any."""


def main() -> None:
    """Parse the command line, time, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", choices=SHAPES, default="11m")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--steps", type=int, default=4, help="steps of a block")
    parser.add_argument("--together", type=int, default=5, help="variants in memory at a time")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", choices=["bfloat16", "float32"], default="bfloat16")
    parser.add_argument("--attention", choices=["fused", "explicit"], default="explicit")
    parser.add_argument("--only", nargs="+", choices=VARIANTS, help="beside the plain residual")
    parser.add_argument("--json", action="store_true", help="all of it as data")
    chosen = parser.parse_args()
    answer = {"machine": machine.describe(), "shape": SHAPES[chosen.shape], **run(chosen)}
    if chosen.json:
        print(json.dumps(answer, indent=1))
        return
    for name in answer["absent"]:
        print(f"{name}: the hyper-connections package is not installed, left out")
    for name, row in answer["variants"].items():
        print(
            f"{name:26s} {row['ratio']:.3f}x [{row['ratio_low']:.3f}, {row['ratio_high'] or 0:.3f}]"
            f"  step {row['seconds_per_step']:.4f} s  saved {row['saved_bytes'] / 2**20:7.1f} MB"
            f"  peak {row['peak_bytes'] / 2**20:6.0f} MB  {row['parameters']:,} parameters"
        )


def run(chosen: argparse.Namespace) -> dict[str, Any]:
    """Every variant's timing against the plain residual's, and what it holds."""
    others = [name for name in chosen.only or VARIANTS if name != PLAIN]
    groups = [others[at : at + chosen.together] for at in range(0, len(others), chosen.together)]
    found: dict[str, Any] = {"absent": [], "variants": {}}
    for group in groups or [[]]:
        absent, variants = in_turn([PLAIN, *group], chosen)
        found["absent"] += absent
        found["variants"] |= variants
    return found


def in_turn(names: list[str], chosen: argparse.Namespace) -> tuple[list[str], dict[str, Any]]:
    """Names that are not installed; what the others took in turn, and what they hold."""
    absent, workers = [], {}
    with ExitStack() as stack:
        for name in names:
            how = {
                "residual": VARIANTS[name],
                "shape": SHAPES[chosen.shape],
                "precision": chosen.precision,
                "attention": chosen.attention,
                "threads": chosen.threads,
            }
            threads = {"OMP_NUM_THREADS": str(chosen.threads)}
            worker = Worker([sys.executable, __file__], how, threads)
            stack.callback(worker.close)
            try:
                _ = worker.facts
                workers[name] = worker
            except CellError:
                if not name.startswith("package"):
                    raise
                absent.append(name)
        blocks = {n: w.block("step", threads=chosen.threads) for n, w in workers.items()}
        rows = interleave(blocks, rounds=chosen.rounds, steps=chosen.steps).table()
    return absent, {name: {**row, **workers[name].facts} for name, row in rows.items()}


def work() -> None:
    """In a worker: one variant's training steps."""
    import torch

    from partbench.core.cell import Cell
    from partbench.core.config import Config
    from partbench.core.numerics import Numerics
    from partbench.train.loop import Run
    from partbench.train.process import keep_freed_memory

    how = settings()
    torch.set_num_threads(how["threads"])
    keep_freed_memory()
    shape = dict(how["shape"])
    config = Config({"train": {"batch": shape.pop("batch")}, "dims": shape})
    config = config.edit(residual=how["residual"])
    numerics = Numerics(
        precision=how["precision"], attention=how["attention"], threads=how["threads"]
    )
    cell = Cell(
        config=config.resolved,
        seed=0,
        numerics=dataclasses.asdict(numerics),
        torch=torch.__version__,
        code=config.outside_code(),
    )
    with tempfile.TemporaryDirectory() as folder:  # steps alone write nothing
        made = Run(cell, Path(folder))
    saved: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    peak = memory.peak_bytes(lambda: [made._step(step, 400) for step in range(2)])
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        made._step(2, 400)
    parameters = {p.untyped_storage().data_ptr() for p in made.model.parameters()}
    facts = {
        "parameters": sum(p.numel() for p in made.model.parameters()),
        "saved_bytes": sum(size for place, size in saved.items() if place not in parameters),
        "peak_bytes": peak,
    }
    serve({"step": clocked(lambda: made._step(3, 400))}, facts)


if __name__ == "__main__":
    work() if "PARTBENCH_WORKER" in os.environ else main()

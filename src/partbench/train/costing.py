"""Seconds and memory of cells, in a process that does nothing else."""

import math
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from partbench.core.cell import Cell
from partbench.core.training import typical_steps
from partbench.measure import doctor, kernels, liveness, memory, timing, workers
from partbench.models import accounting
from partbench.train.foresight import refuse_beyond
from partbench.train.loop import Run
from partbench.train.process import keep_freed_memory, settle

Tree = dict[str, Any]
MEMORY_STEPS = 3
ROUNDS, STEPS = 8, 4


def memory_of(cell: Cell) -> Tree:
    """Peak bytes of building the model and taking some steps, parameters by role, FLOPs, and the
    slots that did not move in those steps. InputError for a cell that memory cannot hold."""
    refuse_beyond(cell)
    settle(cell.how)
    square = torch.ones(256, 256)
    _ = square @ square  # the matrix library is loaded now, and not charged to the cell
    kept: list[Run] = []

    def work() -> None:
        with TemporaryDirectory() as folder:
            kept.append(Run(cell, Path(folder)))
            step = _step(kept[0])
            for _ in range(MEMORY_STEPS if step else 0):
                step()

    peak = memory.peak_bytes(work, cell.how.device)
    model = kept[0].model
    return {
        "peak_memory_bytes": peak,
        "parameters": accounting.parameters(model),
        "flops_per_token": model.flops() // cell.config["dims"]["context"],
        "unmoved": liveness.unmoved(model, kept[0].fresh(), cell.config["model"]),
    }


def times_of(cells: list[Cell]) -> Tree:
    """Seconds a step of each cell, taken in turn; ratios to the first with a 95 % interval.

    A model that learns without steps has None throughout.
    """
    settle(cells[0].how)
    with TemporaryDirectory() as folder:
        runs = [Run(cell, Path(folder)) for cell in cells]
        steps = {str(place): step for place, run in enumerate(runs) if (step := _step(run))}
        blocks = {name: timing.clocked(step) for name, step in steps.items()}
        taken = timing.interleave(blocks, rounds=ROUNDS, steps=STEPS) if blocks else None
    rows: list[Tree] = []
    for place in map(str, range(len(cells))):
        row: Tree = dict.fromkeys(
            ("seconds_per_step", "ratio", "ratio_low", "ratio_high", "log_ratio_error")
        )
        if taken is not None and place in blocks:
            row["seconds_per_step"] = taken.median(place)
            if "0" in blocks and place != "0":
                ratio = taken.ratio(place)
                row |= {
                    "ratio": ratio.value,
                    "ratio_low": ratio.low,
                    "ratio_high": ratio.high,
                    "log_ratio_error": _error(ratio),
                }
        rows.append(row)
    return {"cells": rows}


def _step(run: Run) -> Any:
    """One training step of a run as a function, or None for a model that has no steps."""
    if run.optimizer is None:
        return None
    count = iter(range(1_000_000_000))
    steps, typical = run.settings["steps"], typical_steps(run.settings)
    return lambda: run._step(typical[next(count) % len(typical)], steps)


def _error(ratio: timing.Ratio) -> float:
    """Standard error of ln(ratio), read back from its 95 % t-interval."""
    from scipy.special import stdtrit

    return math.log(ratio.high / ratio.low) / (2 * float(stdtrit(ROUNDS - 1, 0.975)))


def serve_doctor() -> None:
    """Answer `partbench doctor`: a real training step at each precision and attention path, and
    the kernels. The configuration comes with the worker's settings."""
    config = workers.settings()["config"]
    blocks = dict(kernels.blocks())
    keep_freed_memory()
    with TemporaryDirectory() as folder:
        for precision, path in product(kernels.PRECISIONS, kernels.PATHS):
            numerics = {"precision": precision, "attention": path, "threads": 1, "device": "cpu"}
            cell = Cell(config=config, seed=0, numerics=numerics, torch=torch.__version__)
            step = _step(Run(cell, Path(folder)))
            blocks[doctor.step_name(precision, path)] = timing.clocked(step)
        workers.serve(blocks, {"sizes": config["dims"]})

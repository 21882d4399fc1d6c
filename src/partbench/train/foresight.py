"""What a cell will take, before it runs: memory by weighing, seconds and bytes by a short run.

    step        weights, gradients, the optimiser's state, and all that one batch keeps alive
    evaluation  weights, state, and one batch of the evaluation without gradients
    checkpoint  weights and state, and once more as they are written
    resident    the process itself: libraries, and buffers of the kernels that no tensor shows

Weighing takes no memory (`measure.footprint`). A model whose memory depends on numbers is run for
real on an eighth and on a quarter of its batch, and the line through both is followed.
"""

import copy
import json
import os
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from partbench.core import cell as names
from partbench.core.cell import Cell
from partbench.core.dims import Dims
from partbench.core.errors import InputError
from partbench.core.factory import Factory
from partbench.data.batch import Batch
from partbench.measure import machine, memory
from partbench.models import accounting
from partbench.models.build import assemble
from partbench.models.contract import Network
from partbench.tasks.build import build_task
from partbench.tasks.contract import Task, offered
from partbench.train import checkpoint, evaluate
from partbench.train.loop import Run
from partbench.train.process import autocast, settle
from partbench.train.record import run_cell

Tree = dict[str, Any]
SHORT_STEPS = 12
"""Steps of the short run: the first ones are slower, and are left out."""
SLACK = 1.25
"""Resident over alive: gaps of the allocator and buffers of kernels. Measured: 1.24 at 11 million
parameters, in bfloat16 and float32 alike."""


def answers(specs: list[Path], short: bool) -> list[Tree]:
    """Short runs, or weights, of specs one after the other; `resident` is this process's own."""
    cells = [Cell.read(path) for path in specs]
    settle(cells[0].how)
    with TemporaryDirectory() as folder:  # what every worker loads, whatever its cell
        task = build_task(cells[0].config, cells[0].seed)
        task.batch(cells[0].seed, 0, 1)
        for kind in (torch.float32, torch.bfloat16):
            square = torch.ones(64, 64, dtype=kind, requires_grad=True)
            (square @ square).sum().backward()
        checkpoint.write(Path(folder) / "file", torch.nn.Linear(2, 2), None, {})
    resident = memory.highest_so_far()
    found = [short_run(cell) if short else weigh(cell) for cell in cells]
    return [answer | {"resident": resident} for answer in found]


def weigh(cell: Cell) -> Tree:
    """Bytes of a cell at its peak: in all, and by what; parameters. Takes no memory itself."""
    from partbench.measure import footprint  # heavy, and no part of a worker

    task = build_task(cell.config, cell.seed)
    try:
        with footprint.weighed() as scale:
            found = _weighed(cell, task, scale)
    except footprint.Unknowable as error:
        found = _followed(cell) | {"note": str(error)}
    kinds = ("step", "evaluation", "checkpoint")
    return found | {"peak_bytes": round(SLACK * max(found[kind] for kind in kinds))}


def _weighed(cell: Cell, task: Task, scale: Any) -> Tree:
    """What the `scale` says of two steps and of an evaluation; all tensors made here are fake."""
    settings = cell.config["train"]
    model = assemble(cell.config, seed=0, numerics=cell.how, **offered(task))
    trains = "train" in type(model).PHASES
    optimizer = _optimizer(cell, task, model) if trains else None
    batch = task.batch(cell.seed, 0, max(1, settings["batch"] // settings["accumulate"]))
    for _ in range(2 if optimizer else 0):  # state is there from the second step on
        _step(cell, model, batch, optimizer)
    step, state = scale.peak, scale.settle()
    scale.peak = state
    with torch.no_grad(), autocast(cell.how):
        model.eval()
        model.score(next(task.evaluation(cell.seed, evaluate.BATCH)))
    wide = 2 if cell.how.precision == "float64" else 1  # weighed in float32
    return {
        "parameters": sum(p.numel() for p in model.parameters()),
        "step": wide * step,
        "evaluation": wide * scale.peak,
        # The tensors, the file's content and what is handed to the disk.
        "checkpoint": wide * 3 * state,
    }


def _step(cell: Cell, model: Network, batch: Batch, optimizer: Any) -> None:
    with autocast(cell.how):
        score = model.score(batch)
        loss = score.mean() + sum(score.extra.values())
    loss.backward()
    if isinstance(optimizer, torch.optim.AdamW):
        # Its kernel has no fake form; its state is two numbers a parameter.
        for weight in model.parameters():
            state = optimizer.state[weight]
            for name in ("exp_avg", "exp_avg_sq"):
                state.setdefault(name, torch.zeros_like(weight))
    else:
        optimizer.step()
    optimizer.zero_grad(set_to_none=True)


def _optimizer(cell: Cell, task: Task, model: Network) -> torch.optim.Optimizer:
    dims = Dims(**cell.config["dims"], vocab=task.vocab)
    recipe = Factory("optimizer", cell.config["optimizer"], {"dims": dims})()
    made: torch.optim.Optimizer = recipe.build(
        dict(model.named_parameters()), accounting.roles(model)
    )
    return made


def _followed(cell: Cell) -> Tree:
    """Measured on an eighth and a quarter of the batch, for real, and carried on in a line."""
    settle(cell.how)
    batch = cell.config["train"]["batch"]
    few = [max(1, batch // 8), max(2, batch // 4)]
    peaks, count = [], 0
    for size in few:
        config = copy.deepcopy(cell.config)
        config["train"] |= {"batch": size, "accumulate": 1, "batch_doublings": 0}
        small = replace(cell, config=config)
        kept: list[Run] = []

        def work(small: Cell = small, kept: list[Run] = kept) -> None:
            with TemporaryDirectory() as folder:
                kept.append(Run(small, Path(folder)))
                for step in range(2 if kept[0].optimizer else 0):
                    kept[0]._step(step, small.config["train"]["steps"])

        peaks.append(memory.peak_bytes(work, cell.how.device))
        count = sum(p.numel() for p in kept[0].model.parameters())
    slope = max(0.0, (peaks[1] - peaks[0]) / (few[1] - few[0]))
    whole = round(peaks[1] + slope * (batch - few[1]))
    return {"parameters": count, "step": whole, "evaluation": 0, "checkpoint": 0}


def refuse_beyond(cell: Cell, what: str = "this model") -> None:
    """InputError where a cell alone cannot fit into this machine's memory, with what would help."""
    room = machine.describe()["memory_bytes"]
    dims, train = cell.config["dims"], cell.config["train"]
    rough = (
        dims["depth"]
        * dims["width"]
        * (16 * 12 * dims["width"] + 160 * train["batch"] * dims["context"])
    )
    if rough < room / 8:  # far from any limit: nothing is weighed
        return
    found = weigh(cell)
    if found["peak_bytes"] > room:
        raise InputError(machine.too_large(what, found, room, train))


def short_run(cell: Cell) -> Tree:
    """Seconds and bytes of a cell as a run of a few steps tells them.

    step, evaluation: seconds of each; rest: of all else that a cell does once; record, line: bytes
    of its record and spec, and of a step in its metrics.
    """
    train = cell.config["train"]
    steps = min(SHORT_STEPS, train["steps"])
    config = copy.deepcopy(cell.config)
    config["train"] |= {"steps": steps, "evaluations": 1}
    short = replace(cell, config=config)
    with TemporaryDirectory() as name:
        folder = Path(name)
        began = time.perf_counter()
        record = run_cell(short, folder)
        whole = time.perf_counter() - began
        if record["status"] == "failed":
            raise InputError(f"a short run failed: {record['reason']}")
        rows = [json.loads(line) for line in (folder / names.METRICS).read_text().splitlines()]
        taken = sorted(row["seconds"] for row in rows if "seconds" in row)
        spent = record["seconds"]
        files = os.path.getsize(folder / names.RECORD) + os.path.getsize(folder / names.SPEC)
        return {
            "step": taken[len(taken) // 2] if taken else 0.0,
            "fit": 0.0 if taken else spent["train"],
            "evaluation": spent["evaluate"] / max(1, len(record.get("evaluations", [1]))),
            "rest": max(0.0, whole - spent["train"] - spent["evaluate"]),
            "record": files,
            "line": os.path.getsize(folder / names.METRICS) / max(1, len(rows)),
        }

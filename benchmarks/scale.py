"""Cost against size, with fitted exponents, and what a second rank gives.

    python benchmarks/scale.py [--only parameters context cells corpus ranks] [--threads 2]
                               [--most-parameters 1e8] [--longest 8192] [--most-cells 10000]
                               [--most-bytes 2e9] [--json] [--out FILE.svg]

parameters  seconds and peak bytes of a training step of 512 tokens, 1e5 to 1e8 parameters
context     seconds of a training step of 8,192 tokens, sequences of 64 to 8,192
cells       seconds to plan a study of 1 to 10,000 cells and to look them up
corpus      seconds to open a text of 1 MB to 2 GB (copied, checked, hashed) and to draw batches,
            and the peak memory of the process that does: flat
ranks       a cell of two ranks computed by two processes against the same by one: seconds a step of
            one over twice those of two

An exponent is the slope of log cost by log size over the upper half of the sizes, where fixed costs
have faded.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lines import Line, exponent, parser, short, tell
from scale_worker import CELLS, SIZES
from train_step import environment

from partbench.measure import machine
from partbench.measure.workers import Worker

PARTS = ("parameters", "context", "cells", "corpus", "ranks")
TARGET = 10
"""Beyond the nine: what the issue asks for under "Scale"."""
LINEAR, QUADRATIC, FLAT = 1.1, 2.1, 1.5
EFFICIENT = 0.8
WORKER = [sys.executable, str(Path(__file__).with_name("scale_worker.py"))]
Row = dict[str, Any]
Rows = dict[float, float]


def main() -> None:
    """Parse the command line, measure, print."""
    made = parser(__doc__)
    made.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    made.add_argument("--most-parameters", type=float, default=1e8)
    made.add_argument("--longest", type=int, default=8192)
    made.add_argument("--most-cells", type=float, default=10_000)
    made.add_argument("--most-bytes", type=float, default=2e9)
    made.add_argument("--steps", type=int, default=20, help="of a size, fewer where they are slow")
    made.add_argument("--threads", type=int, default=len(machine.cores()))
    chosen = made.parse_args()
    parts: dict[str, Callable[[Any], tuple[list[Line], Row]]] = {
        "parameters": by_parameters,
        "context": by_context,
        "cells": by_cells,
        "corpus": by_bytes,
        "ranks": by_ranks,
    }
    found, curves = [], []
    for name in chosen.only:
        lines, curve = parts[name](chosen)
        found += lines
        curves += [curve] if len(curve.get("rows", [])) > 1 else []
    tell(chosen, found, curves=curves)


def measured(what: str, size: Any, chosen: Any) -> Row:
    """One size in a fresh process: what it says of itself."""
    how = {"what": what, "size": size, "threads": chosen.threads, "steps": chosen.steps}
    with (
        tempfile.TemporaryDirectory() as folder,
        Worker(
            WORKER,
            {**how, "folder": folder},
            {**environment(chosen.threads), "PARTBENCH_HOME": str(Path(folder) / "home")},
        ) as one,
    ):
        return one.facts


def upper(rows: Rows) -> float:
    """The exponent over the upper half of the sizes."""
    sizes = sorted(rows)
    return exponent({size: rows[size] for size in sizes[len(sizes) // 2 - (len(sizes) > 1) :]})


def told(what: str, rows: Rows, unit: str, goal: float | None) -> Line:
    """The exponent of a cost, and the costs it was taken from."""
    said = ", ".join(f"{short(size)}: {short(value)} {unit}" for size, value in rows.items())
    return Line(target=TARGET, what=f"exponent of {what}", value=upper(rows), goal=goal, unit="",
                at_least=False, count=len(rows), said=said)  # fmt: skip


def curve(title: str, x: str, y: str, **rows: Rows) -> Row:
    """A curve a name."""
    points = [
        {"x": size, "y": value, "of": name.replace("_", " ")}
        for name, row in rows.items()
        for size, value in row.items()
    ]
    return {"title": title, "x": x, "y": y, "rows": points}


def by_parameters(chosen: Any) -> tuple[list[Line], Row]:
    """A step of models of all sizes."""
    found = [
        measured("step", size, chosen)
        for size in SIZES
        if size["parameters"] <= chosen.most_parameters
    ]
    seconds = {row["parameters"]: row["seconds"] for row in found}
    held = {row["parameters"]: row["peak_bytes"] / 2**20 for row in found}
    return [
        told("a step's seconds by parameters", seconds, "s", LINEAR),
        told("a step's peak memory by parameters", held, "MiB", LINEAR),
    ], curve("A training step", "parameters", "seconds", seconds=seconds)


def by_context(chosen: Any) -> tuple[list[Line], Row]:
    """A step of as many tokens in longer and longer sequences."""
    lengths = [64 * 2**i for i in range(12) if 64 * 2**i <= chosen.longest]
    tokens = lengths[-1]
    size = {"depth": 2, "width": 128, "num_heads": 4}
    rows = {
        float(n): measured("step", {**size, "context": n, "batch": tokens // n}, chosen)["seconds"]
        for n in lengths
    }
    # Tokens stay, so attention's part grows linearly and all else not at all.
    return [told(f"a step's seconds by context, {tokens:,} tokens", rows, "s", LINEAR)], curve(
        "A training step of as many tokens", "tokens of a sequence", "seconds", seconds=rows
    )


def by_cells(chosen: Any) -> tuple[list[Line], Row]:
    """Planning."""
    rows: Rows = {}
    for cells in (count for count in CELLS if count <= chosen.most_cells):
        found = measured("plan", cells, chosen)
        rows[found["cells"]] = found["seconds"]
    line = told("planning's seconds by cells", rows, "s", LINEAR)
    return [line], curve("Planning", "cells", "seconds", seconds=rows)


def by_bytes(chosen: Any) -> tuple[list[Line], Row]:
    """Texts of growing size."""
    sizes = [1_000_000 * 2**i for i in range(0, 12, 2) if 1_000_000 * 2**i < chosen.most_bytes]
    found = [measured("corpus", int(size), chosen) for size in [*sizes, chosen.most_bytes]]
    seconds = {float(row["bytes"]): row["seconds"] for row in found}
    held = {float(row["bytes"]): row["peak_bytes"] / 2**20 for row in found}
    first, last = held[min(held)], held[max(held)]
    flat = Line(
        target=TARGET,
        what=f"peak memory at {max(held) / 1e6:,.0f} MB of text over {min(held) / 1e6:,.0f} MB's",
        value=last / first,
        goal=FLAT,
        at_least=False,
        count=len(held),
        said=", ".join(f"{short(n / 1e6)} MB: {short(m)} MiB" for n, m in held.items()),
    )
    lines = [told("seconds to open a text by bytes", seconds, "s", LINEAR), flat]
    return lines, curve("Opening a text", "bytes", "seconds", seconds=seconds)


def by_ranks(chosen: Any) -> tuple[list[Line], Row]:
    """A cell of two ranks by one process and by two, a thread each."""
    taken = {}
    with tempfile.TemporaryDirectory() as folder:
        spec = measured_spec(Path(folder), max(8, chosen.steps))
        for processes in (1, 2):
            taken[processes] = seconds_of(spec, Path(folder) / str(processes), processes)
    line = Line(
        target=TARGET,
        what="efficiency of two ranks: one process's seconds over twice those of two",
        value=taken[1] / (2 * taken[2]),
        goal=EFFICIENT,
        count=max(8, chosen.steps),
        said=f"{short(taken[1])} s a step by one, {short(taken[2])} s by two, a thread each",
    )
    return [line], {}


def measured_spec(folder: Path, steps: int) -> Path:
    """A cell of two ranks, written down."""
    from partbench.core.numerics import Numerics
    from partbench.study.spec import base_config, from_swaps

    edits = {"dims.depth": 4, "dims.width": 256, "dims.context": 256, "train.steps": steps,
             "train.evaluations": 1, "task.evaluation_tokens": 1024}  # fmt: skip
    base = base_config("quick").edit(edits)
    study = from_swaps(base, ["ffn=swiglu"], lambda study: Numerics(ranks=2))
    path = folder / "spec.json"
    path.write_text(study.cell(base, 1).to_json())
    return path


def seconds_of(spec: Path, folder: Path, processes: int) -> float:
    """Median seconds of the later steps of a cell."""
    run = ["partbench", "cell", str(spec), "--out", str(folder)]
    if processes > 1:
        run = ["torch.distributed.run", "--standalone", f"--nproc-per-node={processes}", "-m", *run]
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PARTBENCH_HOME": str(folder.parent / "home"),
    }
    command = [sys.executable, "-P", "-m", *run]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(f"ranks: ended with {done.returncode}: {done.stderr[-500:]}")
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    taken = sorted(row["seconds"] for row in rows[len(rows) // 4 :])
    return taken[len(taken) // 2]


if __name__ == "__main__":
    main()

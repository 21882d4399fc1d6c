"""What `partbench doctor` measures: real training steps on this machine, and what they rest on.

    steps       {float32, bfloat16} x every attention path in one process with one thread; the
                fastest of each precision in one process a core, and in one with every core
    attention   the paths against each other, forward and backward, by precision and context
    rates       matrix products and a large copy (full examination only)

Everything is taken in turn, block by block, from workers that live through all of it; this side
needs no torch. A figure is that of its quietest block: a profile describes the machine, not what
else it was doing. `load` says how busy it was (processes that want to run, over the last minute).
"""

import os
import time
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from partbench.measure import kernels
from partbench.measure.timing import Block, Timings, interleave
from partbench.measure.workers import Worker, beside

Rows = list[dict[str, Any]]
QUICK_CONTEXTS = (64, 256, 1024)


def step_name(precision: str, path: str) -> str:
    """How the block of a training step is called."""
    return f"step {precision} {path}"


def examine(
    workers: Sequence[Worker], cores: Sequence[int], sizes: Mapping[str, int], *, quick: bool
) -> dict[str, Any]:
    """Steps, attention, rates and the seconds it took, for `machine.profile`.

    workers: at most one a core, each serving a `step_name` block for every precision and path,
    and `kernels.blocks()`. sizes: of the preset that is stepped (context, width, ...), kept with
    the figures.
    """
    began, load = time.perf_counter(), os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    for worker in workers:
        _ = worker.facts  # all of them import and build before any is timed
    found = {
        "sizes": dict(sizes),
        "load": load,
        "steps": _steps(workers, cores),
        "attention": _attention(workers[0], cores, quick),
        "rates": [] if quick else _rates(workers[0], cores),
    }
    return {**found, "seconds_taken": time.perf_counter() - began}


def _steps(workers: Sequence[Worker], cores: Sequence[int]) -> Rows:
    rows: Rows = [
        {"precision": precision, "attention": path, "processes": 1, "threads": 1}
        for precision, path in product(kernels.PRECISIONS, kernels.PATHS)
    ]
    _time_steps(rows, workers, cores)
    # Side by side or all threads in one: asked with each precision's faster path alone.
    wider = []
    for precision in kernels.PRECISIONS:
        own = [row for row in rows if row["precision"] == precision]
        fastest = min(own, key=lambda row: row["seconds"])
        for processes, threads in ((len(workers), 1), (1, len(cores))):
            if processes * threads > 1:
                wider.append({**fastest, "processes": processes, "threads": threads})
    if wider:
        _time_steps(wider, workers, cores)
    return rows + wider


def _time_steps(rows: Rows, workers: Sequence[Worker], cores: Sequence[int]) -> None:
    """Put `seconds` and `steps_per_second` of the whole machine into each row, taken in turn."""
    blocks: dict[str, Block] = {}
    for index, row in enumerate(rows):
        own = [[core] for core in cores] if row["threads"] == 1 else [list(cores)]
        blocks[str(index)] = beside(
            workers[: row["processes"]],
            step_name(row["precision"], row["attention"]),
            threads=row["threads"],
            cores=own[: row["processes"]],
        )
    timings = interleave(blocks, rounds=4, steps=3, warm_up=1)
    for index, row in enumerate(rows):
        row["seconds"] = timings.quietest(str(index))
        row["steps_per_second"] = row["processes"] / row["seconds"]


def _attention(worker: Worker, cores: Sequence[int], quick: bool) -> Rows:
    rows: Rows = []
    contexts = QUICK_CONTEXTS if quick else kernels.CONTEXTS
    for threads in [1] if quick else sorted({1, len(cores)}):
        for precision, context in product(kernels.PRECISIONS, contexts):
            names = {p: kernels.attention_name(precision, p, context) for p in kernels.PATHS}
            timings = _timed(worker, names, threads, cores, rounds=3, steps=2)
            seconds = {path: timings.quietest(path) for path in kernels.PATHS}
            rows.append(
                {
                    "precision": precision,
                    "context": context,
                    "threads": threads,
                    **seconds,
                    "better": min(seconds, key=lambda path: seconds[path]),
                }
            )
    return rows


def _rates(worker: Worker, cores: Sequence[int]) -> Rows:
    rows: Rows = []
    for threads in sorted({1, len(cores)}):
        names = {p: kernels.matrix_name(p) for p in kernels.PRECISIONS} | {"copy": "copy"}
        timings = _timed(worker, names, threads, cores, rounds=4, steps=6)
        row: dict[str, Any] = {"threads": threads}
        for precision in kernels.PRECISIONS:
            row[f"{precision}_gigaflops"] = 2e-9 * kernels.MATRIX**3 / timings.quietest(precision)
        # A copy reads and writes; counted as the bytes copied, like most tools do.
        row["copy_gigabytes"] = 1e-9 * kernels.COPY_BYTES / timings.quietest("copy")
        rows.append(row)
    return rows


def _timed(
    worker: Worker,
    names: Mapping[str, str],
    threads: int,
    cores: Sequence[int],
    *,
    rounds: int,
    steps: int,
) -> Timings:
    own = list(cores)[:threads]
    blocks = {key: worker.block(name, threads=threads, cores=own) for key, name in names.items()}
    return interleave(blocks, rounds=rounds, steps=steps, warm_up=1)

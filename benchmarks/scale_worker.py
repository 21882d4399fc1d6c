"""One size of `scale.py`, measured in a process of its own: its facts are the answer."""

import resource
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from partbench.measure import memory
from partbench.measure.workers import serve, settings

CELLS = (1, 10, 100, 1000, 10_000)
SIZES = [
    {"parameters": count, "depth": depth, "width": width, "num_heads": width // 64 or 1}
    for count, depth, width in (
        (1e5, 2, 48), (3e5, 3, 96), (1e6, 3, 160), (3e6, 4, 256), (1e7, 6, 384), (3e7, 10, 512),
        (1e8, 14, 768),
    )
]  # fmt: skip
"""Shapes by about how many parameters they have."""
TOKENS, CONTEXT = 512, 256
LIMIT_SECONDS = 12.0
"""A size takes no more steps once they have taken so long."""
Row = dict[str, Any]


def step(size: Row, how: Row) -> Row:
    """Median seconds of training steps in bfloat16, and the peak of building and three of them."""
    import torch
    from peers import WARM, partbench

    from partbench.train.process import keep_freed_memory

    torch.set_num_threads(how["threads"])
    keep_freed_memory()
    context = size.get("context", CONTEXT)
    shape = {**size, "context": context, "batch": size.get("batch", TOKENS // context)}
    numerics = {
        "precision": "bfloat16",
        "attention": "explicit" if context <= 512 else "fused",
        "threads": how["threads"],
    }
    partbench(WARM, numerics)[1]()
    made: list[Any] = []

    def begin() -> None:
        made.append(partbench(shape, numerics))
        for _ in range(3):
            made[0][1]()

    peak = memory.peak_bytes(begin)
    model, again = made[0]
    taken: list[float] = []
    while len(taken) < how["steps"] and (len(taken) < 2 or sum(taken) < LIMIT_SECONDS):
        began = time.perf_counter()
        again()
        taken.append(time.perf_counter() - began)
    parameters = sum(p.numel() for p in model.parameters())
    return {"seconds": statistics.median(taken), "peak_bytes": peak, "parameters": parameters}


def plan(cells: int, how: Row) -> Row:
    """Seconds to make, hash and look up the cells of a study."""
    from partbench.core.numerics import Numerics
    from partbench.study.ledger import Ledger
    from partbench.study.plan import jobs_until
    from partbench.study.spec import base_config, from_swaps

    pairs = max(2, cells // 2)
    taken = []
    for _ in range(3):
        looks = [2, pairs] if pairs > 2 else [2]
        base = base_config("quick")
        study = from_swaps(base, ["ffn=swiglu"], lambda _: Numerics(), looks=looks)
        began = time.perf_counter()
        jobs = jobs_until(study, len(looks) - 1, list(study.arms))[:cells]
        Ledger().known(job.cell for job in jobs)
        taken.append(time.perf_counter() - began)
    return {"cells": len(jobs), "seconds": statistics.median(taken)}


def corpus(size: int, how: Row) -> Row:
    """Seconds to open a text of `size` bytes, and the process's peak after fifty batches."""
    from partbench.core.config import Config
    from partbench.tasks.build import build_task

    path = Path(how["folder"]) / "text.txt"
    line = b"the ship and the sea rose to the king of night, and the wind went down with it.\n"
    block = line * (1 << 13)
    with path.open("wb") as file:
        for _ in range(size // len(block)):
            file.write(block)
        file.write(block[: size % len(block)])
    tree = Config(
        {"task": {"part": "language", "corpus": str(path)}, "dims": {"context": 256}}
    ).resolved
    build_task(Config({}).resolved, 0).batch(0, 0, 16)  # libraries are loaded first
    seconds = []

    def work() -> None:
        began = time.perf_counter()
        task = build_task(tree, 0)
        seconds.append(time.perf_counter() - began)
        for index in range(50):
            task.batch(0, index, 16)

    work()
    highest = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"bytes": size, "seconds": seconds[0], "peak_bytes": highest}


def main() -> None:
    """Measure what the settings ask for, say it, end."""
    how = settings()
    serve({}, {"step": step, "plan": plan, "corpus": corpus}[how["what"]](how["size"], how))


if __name__ == "__main__":
    main()
    sys.exit()

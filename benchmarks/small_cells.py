"""Two small cells side by side, one thread each, against the same two in turn with both threads.

    python benchmarks/small_cells.py [--shape 0.4m] [--precision bfloat16 float32] [--rounds 10]
                                     [--steps 20] [--starts 20] [--json] [--out FILE.svg]

Each worker trains the bench's own model in its own trainer, pinned to a core of its own when side
by side. In turn with two threads the second cell waits for the first, so a step of each costs two
steps' seconds. Start-up: a fresh worker until its first step is done (import, data, model), and
another cell in a worker that lives already.
"""

import os
import sys
import time
from contextlib import ExitStack
from typing import Any

from lines import Line, compared, of_values, parser, tell
from train_step import SHAPES, environment

from partbench.measure import kernels, machine
from partbench.measure.timing import interleave
from partbench.measure.workers import Worker, beside, serve, settings

GOAL, START_GOAL = 1.6, 3.0
ATTENTION = {"bfloat16": "explicit", "float32": "fused"}
Row = dict[str, Any]


def main() -> None:
    """Parse the command line, time, print."""
    made = parser(__doc__)
    made.add_argument("--shape", choices=SHAPES, default="0.4m")
    made.add_argument(
        "--precision", nargs="+", choices=kernels.PRECISIONS, default=["bfloat16", "float32"]
    )
    made.add_argument("--rounds", type=int, default=10)
    made.add_argument("--steps", type=int, default=20, help="steps of a block")
    made.add_argument("--starts", type=int, default=20, help="fresh workers; 0 leaves it out")
    chosen = made.parse_args()
    found = [two(chosen.shape, how, chosen.rounds, chosen.steps) for how in chosen.precision]
    found += starts(chosen.shape, chosen.precision[0], chosen.starts) if chosen.starts else []
    tell(chosen, found, shape=SHAPES[chosen.shape])


def worker(shape: str, precision: str, threads: int) -> Worker:
    """A process that takes training steps of one cell."""
    how = {"shape": SHAPES[shape], "precision": precision, "attention": ATTENTION[precision]}
    settled = {**how, "threads": threads}
    return Worker([sys.executable, __file__], settled, environment(threads))


def two(shape: str, precision: str, rounds: int, steps: int) -> Line:
    """A step of two cells: both at once, or one after the other with the whole machine."""
    cores = machine.cores()[:2]
    count = len(cores)
    with ExitStack() as stack:
        pinned = [stack.enter_context(worker(shape, precision, 1)) for _ in cores]
        wide = stack.enter_context(worker(shape, precision, count))
        both = beside(pinned, "step", threads=1, cores=[[core] for core in cores])
        alone = wide.block("step", threads=count, cores=cores)

        def in_turn(steps: int) -> list[float]:
            return [count * seconds for seconds in alone(steps)]

        timings = interleave({"side by side": both, "in turn": in_turn}, rounds=rounds, steps=steps)
    return compared(
        timings,
        "in turn",
        "side by side",
        target=2,
        what=f"{count} cells of {shape}, {precision}, side by side: sooner than in turn",
        goal=GOAL,
    )


def starts(shape: str, precision: str, count: int) -> list[Line]:
    """Seconds until the first step of a cell is done."""
    fresh, living = [], []
    for _ in range(count):
        began = time.perf_counter()
        with worker(shape, precision, 1) as one:
            one.block("step")(1)
            fresh.append(time.perf_counter() - began)
            living += one.block("another")(1)
    rest = {"target": 2, "goal": START_GOAL, "unit": "s", "at_least": False}
    return [
        of_values(fresh, what=f"start-up of a cell in a fresh process, {shape}", **rest),
        of_values(living, what=f"start-up of a cell in a living worker, {shape}", **rest),
    ]


def work() -> None:
    """In a worker: training steps, and the beginning of another cell."""
    import torch
    from peers import partbench

    from partbench.measure.timing import clocked
    from partbench.train.process import keep_freed_memory

    how = settings()
    torch.set_num_threads(how["threads"])
    keep_freed_memory()
    _, step = partbench(how["shape"], how)
    another = clocked(lambda: partbench(how["shape"], how)[1]())
    serve({"step": clocked(step), "another": another})


if __name__ == "__main__":
    work() if "PARTBENCH_WORKER" in os.environ else main()

"""One training step of partbench's Transformer++ against its installed peers, taken in turn.

    python benchmarks/train_step.py [--steps 20] [--precision bfloat16 float32] [--shape 11m]
                                    [--context 256] [--threads 2] [--mallopt-for-all] [--json]

Each peer lives in a fresh process of its own, as it ships; this driver asks them for blocks of
steps in turn (A B C, C B A, ...) and prints ratios first, because those hold when the machine is
shared and times do not. partbench uses its own levers: the allocator keeps freed memory, and the
attention path is the faster one measured here. `--mallopt-for-all` adds every peer once more with
that allocator setting: equal ground.
"""

import argparse
import json
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from partbench.core.errors import CellError
from partbench.measure import kernels, machine
from partbench.measure.timing import Timings, interleave
from partbench.measure.workers import Worker

SHAPES = {
    "0.4m": {"depth": 3, "width": 96, "num_heads": 3, "context": 64, "batch": 16},
    "3m": {"depth": 4, "width": 256, "num_heads": 4, "context": 256, "batch": 16},
    "11m": {"depth": 6, "width": 384, "num_heads": 6, "context": 256, "batch": 16},
    "30m": {"depth": 10, "width": 512, "num_heads": 8, "context": 256, "batch": 16},
}
OURS = "partbench"
PEERS = ("hugging_face", "x_transformers")
BLOCK = 4
WORKER = [sys.executable, str(Path(__file__).with_name("peers.py"))]


def main() -> None:
    """Parse the command line, run, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=20, help="steps of each, at least")
    parser.add_argument("--precision", nargs="+", choices=kernels.PRECISIONS, default=["bfloat16"])
    parser.add_argument("--shape", choices=SHAPES, default="11m")
    parser.add_argument("--context", type=int, help="tokens of a sequence; tokens a step stay")
    parser.add_argument("--threads", type=int, default=len(machine.cores()))
    parser.add_argument("--mallopt-for-all", action="store_true", help="peers with it, too")
    parser.add_argument("--json", action="store_true", help="all of it as data")
    chosen = parser.parse_args()
    shape = dict(SHAPES[chosen.shape])
    if chosen.context:
        tokens = shape["batch"] * shape["context"]
        shape |= {"context": chosen.context, "batch": max(1, tokens // chosen.context)}
    results = [run(shape, precision, chosen) for precision in chosen.precision]
    answer = {"machine": machine.describe(), "shape": shape, "threads": chosen.threads}
    if chosen.json:
        print(json.dumps({**answer, "results": results}, indent=1))
        return
    for result in results:
        show(result, shape)
    here = answer["machine"]
    print(f"{here['processor']} | {chosen.threads} threads | torch {here['torch']}")


def run(shape: dict[str, int], precision: str, chosen: argparse.Namespace) -> dict[str, Any]:
    """Time every peer that is there at one precision."""
    how = {"shape": shape, "precision": precision, "threads": chosen.threads}
    wanted = {OURS: {**how, "peer": OURS, "keep_freed_memory": True}}
    for peer in PEERS:
        wanted[peer] = {**how, "peer": peer, "keep_freed_memory": False}
        if chosen.mallopt_for_all:
            wanted[f"{peer} + mallopt"] = {**wanted[peer], "keep_freed_memory": True}
    path = faster_path(how)
    workers: dict[str, Worker] = {}
    absent = []
    with ExitStack() as stack:
        for name, settings in wanted.items():
            worker = Worker(WORKER, {**settings, "attention": path}, environment(chosen.threads))
            stack.callback(worker.close)
            try:
                _ = worker.facts
                workers[name] = worker
            except CellError:
                absent.append(name)
        rounds = max(3, -(-chosen.steps // BLOCK))
        timings = interleave(
            {n: w.block("step", threads=chosen.threads) for n, w in workers.items()},
            rounds=rounds,
            steps=BLOCK,
        )
        facts = {name: worker.facts for name, worker in workers.items()}
    return {
        "precision": precision,
        "attention": path,
        "absent": absent,
        "peers": table(timings, facts, shape["batch"] * shape["context"]),
    }


def table(timings: Timings, facts: dict[str, Any], tokens: int) -> dict[str, Any]:
    """Per peer: partbench's speed over its speed, tokens a second, parameters, version."""
    return {
        name: {
            **row,
            "tokens_per_second": tokens / row["seconds_per_step"],
            "parameters": facts[name]["parameters"],
            "version": facts[name]["version"],
        }
        for name, row in timings.table().items()
    }


def faster_path(how: dict[str, Any]) -> str:
    """The attention path of partbench that is faster here: both take a few steps in turn."""
    with ExitStack() as stack:
        blocks = {}
        for path in kernels.PATHS:
            settings = {**how, "peer": OURS, "keep_freed_memory": True, "attention": path}
            worker = stack.enter_context(Worker(WORKER, settings, environment(how["threads"])))
            blocks[path] = worker.block("step", threads=how["threads"])
        timings = interleave(blocks, rounds=3, steps=1, warm_up=1)
    return min(kernels.PATHS, key=timings.quietest)


def environment(threads: int) -> dict[str, str]:
    """Variables that must be there before torch is loaded."""
    return {"OMP_NUM_THREADS": str(threads)}


def show(result: dict[str, Any], shape: dict[str, int]) -> None:
    """Ratios first, then what they were taken from."""
    sizes = ", ".join(f"{name} {value}" for name, value in shape.items())
    print(f"{result['precision']}, {sizes}; partbench with {result['attention']} attention")
    for name in result["absent"]:
        print(f"  {name}: not installed, left out")
    for name, row in result["peers"].items():
        speed = f"{row['ratio']:.2f}x [{row['ratio_low']:.2f}, {row['ratio_high']:.2f}]"
        lower, upper = row["quartiles"]
        print(
            f"  partbench is {speed} as fast as {name:26s} {row['tokens_per_second']:7,.0f} "
            f"tokens/s, step {row['seconds_per_step']:.3f} s (quartiles {lower:.3f}-{upper:.3f}, "
            f"{row['steps']} steps), {row['parameters'] / 1e6:.2f}M, version {row['version']}"
        )


if __name__ == "__main__":
    main()

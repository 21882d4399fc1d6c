"""One training step of partbench's Transformer++ against its installed peers, taken in turn.

    python benchmarks/train_step.py [--steps 20] [--precision bfloat16 float32] [--shape 11m]
                                    [--context 256] [--threads 2] [--mallopt-for-all]
                                    [--grid] [--kept FILE.json] [--json] [--out FILE.svg]

Each peer lives in a fresh process of its own, as it ships; this driver asks them for blocks of
steps in turn (A B C, C B A, ...) and prints ratios first, because those hold when the machine is
shared and times do not. partbench uses its own levers: the allocator keeps freed memory, and the
attention path is the faster one measured here. `--mallopt-for-all` adds every peer once more with
that allocator setting: equal ground. `--grid` is every shape at 64, 256 and 1,024 tokens in both
precisions, about two minutes each of them; `--kept` remembers those that were measured.
"""

import argparse
import json
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from lines import Line, compared, parser, short, tell

from partbench.core.errors import CellError
from partbench.core.files import write_json
from partbench.measure import kernels, machine
from partbench.measure.timing import Timings, interleave
from partbench.measure.workers import Worker

SHAPES = {
    "tiny": {"depth": 1, "width": 32, "num_heads": 1, "context": 32, "batch": 2},
    "0.4m": {"depth": 3, "width": 96, "num_heads": 3, "context": 64, "batch": 16},
    "3m": {"depth": 4, "width": 256, "num_heads": 4, "context": 256, "batch": 16},
    "11m": {"depth": 6, "width": 384, "num_heads": 6, "context": 256, "batch": 16},
    "30m": {"depth": 10, "width": 512, "num_heads": 8, "context": 256, "batch": 16},
}
GRID = [
    (shape, context, precision)
    for shape in ("0.4m", "3m", "11m", "30m")
    for context in (64, 256, 1024)
    for precision in kernels.PRECISIONS
]
REFERENCE = ("11m", 256, "bfloat16")
"""Where the goal is 1.5 times the fastest peer; it is 1.0 everywhere else."""
OURS = "partbench"
PEERS = ("hugging_face", "x_transformers")
BLOCK = 4
WORKER = [sys.executable, str(Path(__file__).with_name("peers.py"))]
Row = dict[str, Any]


def main() -> None:
    """Parse the command line, run, print."""
    made = parser(__doc__)
    made.add_argument("--steps", type=int, default=20, help="steps of each, at least")
    made.add_argument("--precision", nargs="+", choices=kernels.PRECISIONS, default=["bfloat16"])
    made.add_argument("--shape", choices=SHAPES, default="11m")
    made.add_argument("--context", type=int, help="tokens of a sequence; tokens a step stay")
    made.add_argument("--threads", type=int, default=len(machine.cores()))
    made.add_argument("--peers", nargs="+", choices=PEERS, default=PEERS)
    made.add_argument("--mallopt-for-all", action="store_true", help="peers with it, too")
    made.add_argument("--grid", action="store_true", help="every shape, context and precision")
    made.add_argument("--kept", type=Path, help="JSON of what was measured; goes on there")
    chosen = made.parse_args()
    context = chosen.context or SHAPES[chosen.shape]["context"]
    wanted = GRID if chosen.grid else [(chosen.shape, context, how) for how in chosen.precision]
    kept: dict[str, Row] = {}
    if chosen.kept and chosen.kept.exists():
        kept = json.loads(chosen.kept.read_text())
    for case in wanted:
        name = " ".join(map(str, case))
        if name not in kept:
            kept[name] = run(*case, chosen)
            if chosen.kept:
                write_json(chosen.kept, kept)
    results = [kept[" ".join(map(str, case))] for case in wanted]
    told = [
        line for case, result in zip(wanted, results, strict=True) for line in said(case, result)
    ]
    tell(chosen, told, threads=chosen.threads, results=results)


def shape_of(name: str, context: int) -> dict[str, int]:
    """A shape at another length of sequences; the tokens of a step stay."""
    shape = dict(SHAPES[name])
    tokens = shape["batch"] * shape["context"]
    return shape | {"context": context, "batch": max(1, tokens // context)}


def run(name: str, context: int, precision: str, chosen: argparse.Namespace) -> Row:
    """Time every peer that is there at one shape and precision."""
    shape = shape_of(name, context)
    how = {"shape": shape, "precision": precision, "threads": chosen.threads}
    wanted = {}
    for peer in chosen.peers:
        wanted[peer] = {**how, "peer": peer, "keep_freed_memory": False}
        if chosen.mallopt_for_all:
            wanted[f"{peer} + mallopt"] = {**wanted[peer], "keep_freed_memory": True}
    absent = []
    with ExitStack() as stack:
        path, own = faster_path(how, stack)
        workers = {OURS: own}
        for peer, settings in wanted.items():
            worker = Worker(WORKER, settings, environment(chosen.threads))
            stack.callback(worker.close)
            try:
                _ = worker.facts
                workers[peer] = worker
            except CellError:
                absent.append(peer)
        rounds = max(3, -(-chosen.steps // BLOCK))
        timings = interleave(
            {n: w.block("step", threads=chosen.threads) for n, w in workers.items()},
            rounds=rounds,
            steps=BLOCK,
        )
        facts = {name: worker.facts for name, worker in workers.items()}
    return {
        "precision": precision,
        "shape": shape,
        "attention": path,
        "absent": absent,
        "lines": lines_of(timings),
        "peers": table(timings, facts, shape["batch"] * shape["context"]),
    }


def table(timings: Timings, facts: dict[str, Any], tokens: int) -> Row:
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


def lines_of(timings: Timings) -> Row:
    """Peer -> value, interval and what it was taken from, of its seconds over partbench's."""
    names = [name for name in timings.seconds if name != OURS]
    return {
        name: compared(timings, name, OURS, target=1, what=name, goal=None).tree for name in names
    }


def said(case: tuple[str, int, str], result: Row) -> list[Line]:
    """A line a peer, the fastest first: it alone has a goal."""
    shape, context, precision = case
    peers = {n: row for n, row in result["peers"].items() if n != OURS}
    order = sorted(peers, key=lambda name: peers[name]["seconds_per_step"])
    as_they_ship = [name for name in order if "mallopt" not in name]
    found = []
    for name in order:
        known, row = result["lines"][name], peers[name]
        goal = (1.5 if case == REFERENCE else 1.0) if name in as_they_ship[:1] else None
        found.append(
            Line(
                target=1,
                what=f"training step {shape}, context {context}, {precision}: as fast as {name}",
                value=known["value"],
                low=known["low"],
                high=known["high"],
                goal=goal,
                count=known["count"],
                said=f"{short(result['peers'][OURS]['tokens_per_second'])} against "
                f"{short(row['tokens_per_second'])} tokens/s, "
                f"{result['attention']} attention, {name} {row['version']}; {known['said']}",
            )
        )
    return found


def faster_path(how: Row, stack: ExitStack) -> tuple[str, Worker]:
    """The attention path of partbench that is faster here, and its worker, which goes on: both
    take a few steps in turn."""
    workers = {
        path: Worker(
            WORKER,
            {**how, "peer": OURS, "keep_freed_memory": True, "attention": path},
            environment(how["threads"]),
        )
        for path in kernels.PATHS
    }
    for worker in workers.values():
        stack.callback(worker.close)
    blocks = {path: w.block("step", threads=how["threads"]) for path, w in workers.items()}
    timings = interleave(blocks, rounds=3, steps=1, warm_up=1)
    best = min(kernels.PATHS, key=timings.quietest)
    for path, worker in workers.items():
        if path != best:
            worker.close()
    return best, workers[best]


def environment(threads: int) -> dict[str, str]:
    """Variables that must be there before torch is loaded."""
    return {"OMP_NUM_THREADS": str(threads)}


if __name__ == "__main__":
    main()

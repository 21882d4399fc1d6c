"""Where partbench's training step goes: operations by kind, and how near the products are to the
machine's own rate.

    python benchmarks/step_profile.py [--shape 11m] [--precision bfloat16] [--attention explicit]
                                      [--threads 2] [--steps 20] [--json] [--out FILE.svg]

matrix share  seconds in matrix products, those of explicit attention among them, over all seconds
              in operations (torch's profiler; what Python takes between them is the rest of a step)
of the rate   their FLOPs a second over those of one large product, measured beside the steps
floor         the step if everything but its products took no time at all
"""

import os
import sys
from typing import Any

from lines import Line, parser, short, tell
from train_step import SHAPES, environment

from partbench.measure import kernels, machine
from partbench.measure.workers import Worker, serve, settings

KINDS = {
    "matrix products": ("mm", "addmm", "bmm", "baddbmm", "mv", "addmv", "linear", "matmul"),
    "fused attention": ("scaled_dot_product", "_scaled_dot_product"),
    "optimiser": ("_fused_adamw_", "_foreach_"),
    "softmax": ("_softmax", "_softmax_backward_data", "logsumexp"),
    "norms": ("native_layer_norm_backward", "linalg_vector_norm", "rsqrt"),
    "gate": ("silu", "silu_backward", "gelu", "gelu_backward"),
    "copies and casts": ("copy_", "_to_copy", "cat", "clone", "contiguous", "fill_", "zero_"),
    "sums and products": ("add", "add_", "mul", "mul_", "addcmul_", "sum", "sub", "neg", "div"),
}
"""Kind -> names of operations, or their beginnings, without `aten::`."""
Row = dict[str, Any]


def main() -> None:
    """Parse the command line, run, print."""
    made = parser(__doc__)
    made.add_argument("--shape", choices=SHAPES, default="11m")
    made.add_argument("--precision", choices=kernels.PRECISIONS, default="bfloat16")
    made.add_argument("--attention", choices=kernels.PATHS, default="explicit")
    made.add_argument("--threads", type=int, default=len(machine.cores()))
    made.add_argument("--steps", type=int, default=20)
    chosen = made.parse_args()
    how = {"shape": SHAPES[chosen.shape], "keep_freed_memory": True} | {
        name: getattr(chosen, name) for name in ("precision", "attention", "threads", "steps")
    }
    own = environment(chosen.threads)
    with Worker([sys.executable, __file__], how, own) as worker:
        facts = worker.facts
        rate = 2 * kernels.MATRIX**3 / min(worker.block("matrix", threads=chosen.threads)(12))
    tell(chosen, said(facts, rate, chosen.precision), kinds=facts["kinds"], rate=rate)


def said(facts: Row, rate: float, precision: str) -> list[Line]:
    """The lines; `rate`: FLOPs a second of one large product."""
    kinds, step = facts["kinds"], facts["seconds_per_step"]
    whole = sum(kinds.values())
    others = sorted(((s / whole, kind) for kind, s in kinds.items()), reverse=True)
    said = ", ".join(f"{kind} {100 * share:.1f} %" for share, kind in others)
    floor = facts["flops"] / rate
    share = kinds.get("matrix products", 0.0) / whole
    plain = step - kinds.get("matrix products", 0.0) / facts["steps"]
    return [
        Line(
            target=1,
            what=f"matrix products, share of the {precision} step's operations",
            value=100 * share,
            goal=60.0,
            unit="%",
            count=facts["steps"],
            said=said,
            why=""
            if share >= 0.6
            else f"products at {short(facts['flops'] / rate * 1000)} ms are faster than the passes "
            f"over memory around them ({short(1000 * plain)} ms): the share falls as they do",
        ),
        Line(
            target=1,
            what="training step over its floor, all products at the rate of one large one",
            value=step / floor,
            goal=None,
            at_least=False,
            count=facts["steps"],
            said=f"step {short(1000 * step)} ms, floor {short(1000 * floor)} ms at "
            f"{short(rate / 1e9)} GFLOP/s",
        ),
    ]


def work() -> None:
    """In a worker: steps under the profiler, then one large product on demand."""
    import time

    import torch
    from peers import partbench
    from torch.profiler import ProfilerActivity, profile

    from partbench.train.process import keep_freed_memory

    how = settings()
    torch.set_num_threads(how["threads"])
    keep_freed_memory()
    model, step = partbench(how["shape"], how)
    for _ in range(3):
        step()
    taken = []
    for _ in range(how["steps"]):
        began = time.perf_counter()
        step()
        taken.append(time.perf_counter() - began)
    with profile(activities=[ProfilerActivity.CPU]) as seen:
        for _ in range(how["steps"]):
            step()
    kinds: dict[str, float] = {}
    for row in seen.key_averages():
        if row.key.startswith("aten::"):
            kind = kind_of(row.key.removeprefix("aten::"))
            kinds[kind] = kinds.get(kind, 0.0) + 1e-6 * row.self_cpu_time_total
    facts = {
        "kinds": kinds,
        "steps": how["steps"],
        "seconds_per_step": sorted(taken)[len(taken) // 2],
        # Two products backward for one forward.
        "flops": 3 * model.flops() * how["shape"]["batch"],
    }
    serve({"matrix": kernels.blocks()[kernels.matrix_name(how["precision"])]}, facts)


def kind_of(name: str) -> str:
    """The kind of an operation: by its whole name first, then by how it begins."""
    for kind, names in KINDS.items():
        if name in names:
            return kind
    for kind, names in KINDS.items():
        if any(name.startswith(one) for one in names if one.startswith(("_s", "_f", "sc"))):
            return kind
    return "the rest"


if __name__ == "__main__":
    work() if "PARTBENCH_WORKER" in os.environ else main()

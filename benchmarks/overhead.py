"""What the bench itself costs: its start, a finished study, a large plan, and what is no training.

    python benchmarks/overhead.py [--only help report plan run] [--times 20] [--cells 10000]
                                  [--steps 400] [--json] [--out FILE.svg]

help    `partbench --help` in a fresh process, and whether that process has torch
report  a tiny study is run to its end; then the same `compare` again, which reports at once
plan    cells of many arms and pairs are made, hashed and looked up in a ledger, in a fresh process
run     a cell of the quick preset, all probes and checkpoints as they come: evaluation, checkpoints
        and probes over all that its record says it took
Everything lives in a temporary PARTBENCH_HOME.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from lines import Line, of_values, parser, short, tell

PARTS = ("help", "report", "plan", "run")
BENCH = [sys.executable, "-P", "-m", "partbench"]
TINY = ("dims.depth=1", "dims.width=16", "dims.context=8", "task.folds=4", "train.steps=4",
        "task.evaluation_tokens=64", "optimizer.rate=0.01")  # fmt: skip
TORCHLESS = """
import sys
from partbench.cli.main import main
sys.argv = ["partbench", "--help"]
try:
    main()
except SystemExit:
    pass
print("torch" in sys.modules)
"""
PLAN = """
import json, sys, time
from partbench.core.numerics import Numerics
from partbench.study.ledger import Ledger
from partbench.study.plan import jobs_until
from partbench.study.spec import base_config, from_swaps
arms, cells, times = map(int, sys.argv[1:])
swaps = [f"optimizer.rate={1e-3 * (1 + i / 100):.6f}" for i in range(arms)]
pairs = cells // (arms + 1)
taken = []
for _ in range(times):
    study = from_swaps(base_config("quick"), swaps, lambda study: Numerics(), looks=[2, pairs])
    began = time.perf_counter()
    jobs = jobs_until(study, 1, list(study.arms))
    Ledger().known(job.cell for job in jobs)
    taken.append(time.perf_counter() - began)
print(json.dumps({"cells": len(jobs), "seconds": taken}))
"""
Row = dict[str, Any]


def main() -> None:
    """Parse the command line, measure, print."""
    made = parser(__doc__)
    made.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    made.add_argument("--times", type=int, default=20)
    made.add_argument("--cells", type=int, default=10_000)
    made.add_argument("--arms", type=int, default=99)
    made.add_argument("--steps", type=int, default=400, help="of the cell whose shares are told")
    chosen = made.parse_args()
    found: list[Line] = []
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        at = {"cwd": folder, "env": {**os.environ, "PARTBENCH_HOME": str(place / "home")}}
        at["env"]["PYTHONPATH"] = os.pathsep.join(path for path in sys.path[1:] if "src" in path)
        if "help" in chosen.only:
            found += helped(chosen.times, at)
        if "report" in chosen.only:
            found.append(reported(chosen.times, at))
        if "plan" in chosen.only:
            found.append(planned(chosen.arms, chosen.cells, chosen.times, at))
        if "run" in chosen.only:
            found.append(shares(chosen.steps, place, at))
    tell(chosen, found)


def said(command: list[str], at: Row) -> str:
    """What a command prints; it must end well."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, **at)
    if done.returncode:
        raise SystemExit(
            f"{' '.join(command[:5])} ended with {done.returncode}: {done.stderr[-500:]}"
        )
    return done.stdout


def timed(command: list[str], times: int, at: Row) -> list[float]:
    """Seconds of whole processes."""
    taken = []
    for _ in range(times + 1):
        began = time.perf_counter()
        said(command, at)
        taken.append(time.perf_counter() - began)
    return taken[1:]  # the first one read the files into memory


def helped(times: int, at: Row) -> list[Line]:
    """The start of the program."""
    torch = said([sys.executable, "-P", "-c", TORCHLESS], at).splitlines()[-1] == "True"
    seconds = timed([*BENCH, "--help"], times, at)
    return [
        of_values(seconds, target=8, what="partbench --help", goal=0.6, unit="s", at_least=False),
        Line(target=8, what="torch is loaded by it (0: no)", value=float(torch), goal=0.0,
             unit="times", at_least=False),
    ]  # fmt: skip


def reported(times: int, at: Row) -> Line:
    """A finished study, asked for once more."""
    sets = [word for text in TINY for word in ("--set", text)]
    command = [
        *BENCH,
        "compare",
        "--swap",
        "ffn=swiglu",
        "--margin",
        "0.5",
        "--looks",
        "2,3",
        *sets,
    ]
    said(command, at)
    seconds = timed(command, times, at)
    what = "a finished study resumed, to its report"
    return of_values(seconds, target=8, what=what, goal=2.0, unit="s", at_least=False)


def planned(arms: int, cells: int, times: int, at: Row) -> Line:
    """Cells of a large study, made and looked up."""
    words = [sys.executable, "-P", "-c", PLAN, str(arms), str(cells), str(times)]
    answer = json.loads(said(words, at).splitlines()[-1])
    what = f"planning {answer['cells']:,} cells of {arms} arms"
    return of_values(answer["seconds"], target=8, what=what, goal=1.0, unit="s", at_least=False)


def shares(steps: int, place: Path, at: Row) -> Line:
    """What of a cell's time is no training, by its own record."""
    from partbench.core.numerics import Numerics
    from partbench.study.spec import base_config, from_swaps

    base = base_config("quick").edit({"train.steps": steps})
    study = from_swaps(base, ["ffn=swiglu"], lambda study: Numerics())
    spec = place / "spec.json"
    spec.write_text(study.cell(base, 1).to_json())
    words = ["cell", str(spec), "--out", str(place / "cell")]
    said([*BENCH, *words], {**at, "env": {**at["env"], "OMP_NUM_THREADS": "1"}})
    seconds = json.loads((place / "cell" / "record.json").read_text())["seconds"]
    whole = sum(seconds.values())
    beside = sum(seconds.get(name, 0.0) for name in ("evaluate", "checkpoint", "probe"))
    told = ", ".join(f"{name} {short(value)} s" for name, value in seconds.items())
    return Line(
        target=8,
        what=f"evaluation, checkpoints and probes of a quick cell of {steps} steps",
        value=100 * beside / whole,
        goal=5.0,
        unit="%",
        at_least=False,
        said=told,
    )


if __name__ == "__main__":
    main()

"""What trained models of a study look like inside: sinks, scores, outliers, the residual's mix.

    python benchmarks/inside.py runs/sinks [--sequences 8] [--threads 1] [--json]

Reads the weights of every pair's cells from the ledger, so run it where the study ran, before
`partbench ledger gc --weights`. For each seed that every arm has finished (one decided at an
early look has fewer), and each arm, on held-out text of that seed:

first_token   mean share of attention that the first token gets, of queries at place 8 on
sink_head     the same for the head that gives it most
largest_score largest absolute score before the probability map
outlier       largest absolute channel of the last stream, over its root mean square
spread        of the residual's own numbers a sublayer: standard deviation over depth, their mean
"""

import argparse
import dataclasses
import json
from pathlib import Path
from typing import Any

import torch

from partbench.core.cell import SPEC, Cell
from partbench.core.numerics import Numerics
from partbench.exchange.trained import open_folder
from partbench.measure import machine
from partbench.measure.probes.watch import watched
from partbench.parts.mixer.scored_sum import ScoredSum
from partbench.study.ledger import Ledger
from partbench.tasks.build import build_task

AFTER = 8
Row = dict[str, Any]


def main() -> None:
    """Parse the command line, look inside, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="the study's folder")
    parser.add_argument("--sequences", type=int, default=8)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="all of it as data")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    report = json.loads((chosen.folder / "report.json").read_text())
    arms = ["base", *(arm["name"] for arm in report["arms"])]
    ledger, rows = Ledger(), []
    for cell in common(report["provenance"]["cells"], arms):
        found = look(ledger.search(cell["id"]), chosen.sequences)
        rows.append({"arm": cell["arm"], "seed": cell["seed"], **found})
    if chosen.json:
        print(json.dumps({"machine": machine.describe(), "rows": rows}, indent=1))
        return
    for row in rows:
        said = ", ".join(f"{k} {v:.4f}" for k, v in row.items() if isinstance(v, float))
        print(f"{row['arm']}, seed {row['seed']}: {said}")


def common(cells: list[Row], arms: list[str]) -> list[Row]:
    """The pairs' finished cells of seeds that every arm has, so that rows of two arms are pairs."""
    known = {(row["arm"], row["seed"]): row for row in cells if row["status"] == "finished"}
    seeds = sorted({seed for arm, seed in known if all((name, seed) in known for name in arms)})
    return [known[arm, seed] for seed in seeds for arm in arms]


@torch.no_grad()
def look(folder: Path, sequences: int) -> Row:
    """The numbers of one trained cell."""
    cell = Cell.read(folder / SPEC)
    trained = open_folder(folder)
    plain = Numerics(precision="float32", attention="explicit", threads=cell.how.threads)
    model = dataclasses.replace(trained, numerics=plain).model()
    task = build_task(cell.config, cell.seed)
    seen: list[tuple[torch.Tensor, torch.Tensor]] = []
    hooks = [
        part.probability.register_forward_hook(lambda _, given, out: seen.append((given[0], out)))
        for part in model.modules()
        if isinstance(part, ScoredSum)
    ]
    with watched(model) as sublayers:
        model.score(next(task.evaluation(cell.seed, sequences)))
    stream = sublayers[-1].after.double()
    for hook in hooks:
        hook.remove()
    after = min(AFTER, cell.config["dims"]["context"] // 2)
    heads = [weights[..., after:, 0].mean((0, -1)) for _, weights in seen]
    scores = [given[given.isfinite()].abs().max() for given, _ in seen]
    own = [
        parameter.detach().flatten(1).std(0).mean() if parameter.dim() > 1 else parameter.std()
        for name, parameter in model.residual.named_parameters(recurse=False)
        if len(parameter) > 1
    ]
    return {
        "first_token": float(torch.stack(heads).mean()),
        "sink_head": float(torch.stack(heads).max()),
        "largest_score": float(torch.stack(scores).max()),
        "outlier": float(stream.abs().max() / stream.square().mean().sqrt()),
        "spread": float(torch.stack(own).mean()) if own else 0.0,
    }


if __name__ == "__main__":
    main()

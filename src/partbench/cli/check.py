"""`partbench check`: is the laboratory itself sound? So far: do learning rates transfer."""

import json
import math
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from partbench.cli.options import Base, Sets

FAILED, INTERRUPTED = 1, 130
MORE = 4
"""Rates that a size may get beyond the grid until its best is no longer at the edge."""
app = typer.Typer(help="Check what a study relies on.", no_args_is_help=True)


@app.callback()
def check() -> None:
    """Check what a study relies on."""


@app.command("transfer")
def transfer(
    base: Base = "quick",
    set_: Sets = None,
    widths: Annotated[str, typer.Option(help="Widths; the first is the base.")] = "32,64,128,256",
    depths: Annotated[str, typer.Option(help="Depths; the first is the base.")] = "2,4,8,16",
    sweep: Annotated[
        bool, typer.Option(help="Also sweep the learning rate at every size (minutes).")
    ] = True,
    rates: Annotated[int, typer.Option(help="Rates in the sweep, a factor of 2 apart.")] = 7,
    steps: Annotated[int, typer.Option(help="Steps of each run of the sweep.")] = 200,
    seeds: Annotated[int, typer.Option(help="Seeds that everything is averaged over.")] = 2,
    out: Annotated[Path | None, typer.Option(help="Folder of page and data.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The result as JSON on stdout.")] = False,
) -> None:
    """Does one learning rate serve every width and depth? Set dims.transfer to standard, mup or
    completep with --set. Prints what passed, writes a page with the figures. Exit codes: 0 passed,
    1 failed, 2 bad input."""
    from partbench.core.config import parse_assignment
    from partbench.core.files import write_json, write_whole
    from partbench.report import transfer as page
    from partbench.report.tree import finite
    from partbench.study import rate_transfer as study
    from partbench.study.spec import base_config

    edits = dict(parse_assignment(text, "--set") for text in set_ or [])
    plan = study.Plan(
        base=base_config(base).edit(edits),
        widths=_numbers("--widths", widths),
        depths=_numbers("--depths", depths),
        steps=steps,
        rates=rates,
        seeds=tuple(range(1, seeds + 1)),
    )
    movement: dict[str, list[dict[str, Any]]] = {axis: _moved(plan, axis) for axis in plan.axes}
    swept, unit = _sweep(plan) if sweep else ({}, "")
    moved = {
        axis: {row["size"]: row["stream_moved"] for row in rows} for axis, rows in movement.items()
    }
    found: dict[str, Any] = study.judge(plan.rule, moved, swept)
    found |= {
        "optimizer": plan.base.resolved["optimizer"]["part"],
        "unit": unit,
        "movement": {
            axis: [{"moved": row["stream_moved"], **row} for row in rows]
            for axis, rows in movement.items()
        },
        "sweep": {
            axis: [
                {"size": size, "rate": rate, "score": score if score < float("inf") else None}
                for size, scores in sizes.items()
                for rate, score in scores.items()
            ]
            for axis, sizes in swept.items()
        },
    }
    folder = out or Path("runs") / f"transfer-{plan.rule}-{found['optimizer']}"
    write_json(folder / "transfer.json", finite(found))
    write_whole(folder / "transfer.html", page.html(found))
    if as_json:
        sys.stdout.write(json.dumps(finite(found)) + "\n")
    else:
        typer.echo("\n".join([*page.lines(found), str(folder / "transfer.html")]))
    if not found["passed"]:
        raise typer.Exit(FAILED)


def _moved(plan: Any, axis: str) -> list[dict[str, Any]]:
    """One row a size, geometric means over the seeds."""
    from partbench.measure.coordinates import movement

    rows = []
    for size in plan.axes[axis]:
        config, rate = plan.moving(axis, size)
        looks = [movement(config.resolved, seed=s, steps=6, rate=rate) for s in plan.seeds]
        mean = {
            # What did not move at all is as wrong as what moved without bound.
            name: math.exp(sum(math.log(max(look[name], 1e-300)) for look in looks) / len(looks))
            for name in looks[0]
        }
        rows.append({"size": size, **mean})
    return rows


def _sweep(plan: Any) -> tuple[dict[str, dict[int, dict[float, float]]], str]:
    """axis -> size -> rate -> mean score (infinite where a seed diverged), and the score's unit.

    A size whose best rate lies at the edge gets the next one too, up to MORE beyond the grid. Cells
    go through the ledger, so that what was trained once is not trained again.
    """
    from partbench.core.numerics import Numerics
    from partbench.study.ledger import Ledger
    from partbench.study.rate_transfer import beyond
    from partbench.study.spec import Study

    ledger, unit = Ledger(), ""
    study = Study(
        name="transfer", question="", base=plan.base, arms={"-": plan.base}, numerics=Numerics()
    )
    scores: dict[str, dict[int, dict[float, float]]] = {
        axis: {size: {} for size in sizes} for axis, sizes in plan.axes.items()
    }
    wanted = [
        (axis, size, rate)
        for axis, sizes in plan.axes.items()
        for size in sizes
        for rate in plan.grid
    ]
    while wanted:
        cells = {
            point: [study.cell(plan.trained(*point), seed) for seed in plan.seeds]
            for point in wanted
        }
        _train(ledger, [cell for each in cells.values() for cell in each], study.numerics.threads)
        for (axis, size, rate), each in cells.items():
            records = [ledger.finished(cell) or {} for cell in each]
            unit = records[0].get("unit", unit)
            values = [r["score"] if r.get("status") == "finished" else math.inf for r in records]
            scores[axis][size][rate] = sum(values) / len(values)
        following = {
            (axis, size): beyond(found, plan.rates + MORE)
            for axis, sizes in scores.items()
            for size, found in sizes.items()
        }
        wanted = [(*at, rate) for at, rate in following.items() if rate is not None]
    return scores, unit


def _train(ledger: Any, cells: list[Any], threads: int) -> None:
    """Every cell that has no outcome yet, as many side by side as there are cores."""
    from partbench.engines.local import Local, cores

    waiting = [ledger.prepare(cell) for cell in cells if not ledger.finished(cell)]
    folders = list(dict.fromkeys(waiting))  # the base size is in both axes
    slots = max(1, len({core for slot in range(64) for core in cores(slot, 1)}))
    done = 0

    def tell(event: dict[str, Any]) -> None:
        nonlocal done
        if event["event"] == "done":
            done += 1
            sys.stderr.write(f"\r{done} of {len(folders)} runs")

    with Local(slots, threads, ledger.root.parent / "logs") as engine:
        try:
            engine.run(folders, tell)
        except KeyboardInterrupt:
            typer.echo("\nstopped, nothing is lost: the same command goes on.", err=True)
            raise typer.Exit(INTERRUPTED) from None
    if folders:
        sys.stderr.write("\n")


def _numbers(option: str, text: str) -> tuple[int, ...]:
    from partbench.core.errors import ConfigError

    try:
        return tuple(int(number) for number in text.split(","))
    except ValueError:
        raise ConfigError(f"{option} {text}: write whole numbers like 32,64,128") from None

"""The report's tree of runs that exist already, and what their design does not allow, in words."""

import platform
import time
from pathlib import Path
from typing import Any

from partbench import __version__
from partbench.core.config import fingerprint
from partbench.exchange.runs_table import RunsTable, TableRun
from partbench.stats import sequential
from partbench.study.outside import existing, words
from partbench.study.outside.existing import Sides

Tree = dict[str, Any]


def report(
    table: RunsTable,
    path: Path,
    base: str,
    margin: float,
    *,
    higher: bool = False,
    alpha: float = 0.05,
    looks: tuple[int, ...] | None = None,
    careful: bool = False,
    reproduce: str = "",
) -> Tree:
    """The whole report. looks: the numbers of pairs that were declared before the first run."""
    plan = sequential.obrien_fleming if careful else sequential.flat
    design = None if looks is None else plan(looks, alpha)
    groups = {arm: [run for run in table.runs if run.arm == arm] for arm in table.arms()}
    own = {name: runs for name, runs in groups.items() if name != base}
    sides = {name: existing.sides_of(groups[base], runs, higher) for name, runs in own.items()}
    found = existing.judged(sides, margin, alpha, design, higher)
    arms = [_arm(name, groups[base], own[name], sides[name], found[name], higher) for name in own]
    facts = {
        "file": path.name,
        "base": base,
        **{f"column.{role}": heading for role, heading in table.columns.items()},
        "better": "higher" if higher else "lower",
        "margin": margin,
        "looks": "none declared" if looks is None else list(looks),
    }
    seconds = [run.seconds for run in table.runs if run.seconds is not None]
    identity = fingerprint({"facts": facts, "runs": [repr(run) for run in table.runs]})
    return {
        "schema": 1,
        "kind": "table",
        "name": f"{path.stem}-{identity[:8]}",
        "question": f"Which arms of {path.name} are better than {base} in {table.unit}?",
        "study_id": identity,
        "status": "complete",
        "declared_at": None,
        "finished_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "grade": "as run",
        "unit": table.unit,
        "higher_is_better": higher,
        "margin": margin,
        "margin_text": "by --margin",
        "alpha": alpha,
        "design": _design(design),
        "base": {"name": base, "config": facts, "costs": _costs(groups[base])},
        "arms": arms,
        "notes": _notes(table, path, base, groups, arms, sides, design),
        "totals": {"cells": len(table.runs), "cells_reused": 0}
        | ({"seconds": sum(seconds)} if seconds else {}),
        "reproduce": [reproduce] if reproduce else [],
        "provenance": {
            "partbench": __version__,
            "python": platform.python_version(),
            "platform": platform.platform(),
            "source": f"{path.name}, {table.kind}",
            "cells": [
                {"id": f"run {run.place}", "arm": run.arm, "seed": run.seed, "status": _status(run),
                 "seconds": run.seconds, "reused": False}
                for run in table.runs
            ],
        },
    }  # fmt: skip


def _design(design: sequential.Design | None) -> Tree:
    if design is None:
        told = "all there are; when to stop was not declared"
        return {"name": "no looks declared", "looks": [], "levels": [], "plan": told}
    return {"name": design.name, "looks": list(design.looks), "levels": list(design.levels)}


def _arm(
    name: str, base: list[TableRun], own: list[TableRun], side: Sides, found: Tree, higher: bool
) -> Tree:
    left, right = ({run.seed: run for run in row} for row in (base, own))
    sign = -1.0 if higher else 1.0
    pairs = []
    timed = []
    for seed, first, second in zip(side.seeds, side.base, side.arm, strict=False):
        lost = [who for who, x in (("base", first), ("arm", second)) if x != x or abs(x) == 1e999]
        pairs.append(
            {
                "seed": seed,
                "base": None if "base" in lost else sign * float(first),
                "arm": None if "arm" in lost else sign * float(second),
                "difference": None if lost else sign * float(second - first),
                "status": "diverged" if lost else "finished",
                "reason": "",
            }
        )
        times = (left[seed].seconds, right[seed].seconds)
        if None not in times:
            timed.append(times)
    ratio = words.time_ratio([a for a, _ in timed], [b for _, b in timed])  # type: ignore[misc]
    made = {"name": name, "diff": [], "finished": True, "verdict": found, "pairs": pairs}
    return made | {"costs": _costs(own) | ratio}


def _costs(runs: list[TableRun]) -> Tree:
    """Means of what the table knows of a run's cost."""
    known = {
        "seconds_per_run": [run.seconds for run in runs if run.seconds is not None],
        "tokens_per_run": [run.tokens for run in runs if run.tokens is not None],
    }
    return {name: sum(row) / len(row) if row else None for name, row in known.items()}


def _status(run: TableRun) -> str:
    if run.score is None:
        return run.state or "no score"
    return "finished" if run.score - run.score == 0 else "diverged"


def _notes(
    table: RunsTable,
    path: Path,
    base: str,
    groups: dict[str, list[TableRun]],
    arms: list[Tree],
    sides: dict[str, Sides],
    design: sequential.Design | None,
) -> list[str]:
    """What the design of these runs does not allow, and what was left out."""
    columns = ", ".join(f"{role} = {heading}" for role, heading in table.columns.items())
    notes = [f"{path.name} was read as {table.kind}: {columns}."]
    if design is None:
        notes.append(
            "No looks were declared, so these intervals hold whenever the runs were stopped, and "
            "are wider for it. If the number of runs was fixed before the first one, say so with "
            "--looks N; if somebody looked and then decided to go on, it was not."
        )
    for name, runs in groups.items():
        lost = [run for run in runs if run.score is None]
        if lost:
            many = "run has" if len(lost) == 1 else "runs have"
            notes.append(
                f"{name}: {len(lost)} {many} no score and "
                f"{'is' if len(lost) == 1 else 'are'} left out. Were they lost because they did "
                f"badly, the verdict flatters {name}; a run that diverged must be written as nan."
            )
    for arm in arms:
        name, side = arm["name"], sides[arm["name"]]
        counts = [sum(r.score is not None for r in groups[who]) for who in (base, name)]
        if side.paired and set(counts) != {len(side.seeds)}:
            notes.append(
                f"{name}: {counts[0]} runs of {base} and {counts[1]} of {name} share "
                f"{len(side.seeds)} seeds; only these pairs count."
            )
        if side.paired and design is not None and arm["verdict"].get("word"):
            used = arm["verdict"]["pairs"]
            if used < len(side.seeds):
                notes.append(
                    f"{name}: judged on the {used} pairs with the lowest seeds, as declared; "
                    f"{len(side.seeds) - used} more are shown and not counted."
                )
        if not side.paired and min(counts) > 1:
            notes.append(
                f"{name} and {base} do not share their seeds, so their runs are no pairs: what "
                f"seeds do to both at once cannot be taken out."
            )
        tokens = [_costs(groups[who])["tokens_per_run"] for who in (base, name)]
        if tokens[0] and tokens[1] and abs(tokens[1] / tokens[0] - 1) > 0.005:
            notes.append(f"{name} was not trained on as many tokens as {base}; see the costs.")
        told = words.about_pairs(name, arm["verdict"].get("correlation"))
        notes += [told] if told and len(side.seeds) >= 4 else []
    notes.append(
        "How the arms were tuned, and how many others were tried and left out of the file, cannot "
        "be seen from it. An arm that is the best of several tries on these seeds looks better "
        "than it is; run it again on fresh seeds."
    )
    return notes

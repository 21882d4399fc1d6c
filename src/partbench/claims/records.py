"""A study as it is committed under results/: its report, and every cell behind it.

results/<name>/{study.json, costs.json, report.json, report.md, cells.tar.gz}

Cells are believed only if their spec hashes to their address and their record to its checksum.
Older records have no cells; then the pairs in the report take their place.
"""

import json
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from partbench.core.config import Config
from partbench.core.earlier import as_now_written
from partbench.core.errors import InputError
from partbench.study import transfer
from partbench.study.ledger import Curve, Records

REPORT, COSTS, DECLARED = "report.json", "costs.json", "study.json"
CELLS, TRANSFER = "cells.tar.gz", "transfer.json"
CURVE = "base, smaller budget"
Tree = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Kept:
    """What is known of a committed study. whole: its cells are there, and were checked.

    A record of `partbench verdict`, whose runs are commands, has no configurations.
    """

    declared: Tree
    report: Tree
    costs: Tree
    configs: dict[str, Config]
    records: Records
    curve: Curve
    whole: bool


def read_json(path: Path) -> Tree:
    """A committed JSON file; InputError where it is missing or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such record") from None
    except (ValueError, OSError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from None


def read(folder: Path) -> Kept:
    """The study committed in `folder`; InputError where a file or a cell is damaged.

    Many claims rest on one study: its cells are read once, until a file of it changes.
    """
    files = [folder / name for name in (REPORT, COSTS, DECLARED, CELLS)]
    stamps = [(s.st_mtime_ns, s.st_size) if (s := _stat(path)) else None for path in files]
    return _read(folder.resolve(), tuple(stamps))


@lru_cache(maxsize=64)
def _read(folder: Path, stamps: tuple[tuple[int, int] | None, ...]) -> Kept:
    report = read_json(folder / REPORT)
    if report.get("kind") == "commands":
        return Kept({}, report, {}, {}, _records(report), {}, False)
    costs = read_json(folder / COSTS) if stamps[1] else {}
    declared = read_json(folder / DECLARED).get("declaration", {})
    if stamps[3]:
        return _from_cells(folder, declared, report, costs)
    return Kept(declared, report, costs, _configs(report), _records(report), {}, False)


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None


def _from_cells(folder: Path, declared: Tree, report: Tree, costs: Tree) -> Kept:
    configs: dict[str, Config] = {}
    records: Records = {}
    curve: Curve = {}
    arms = ["base", *(arm["name"] for arm in report["arms"])]
    cells = transfer.cells(folder / CELLS)
    for row in report["provenance"]["cells"]:
        if row["id"] not in cells:
            raise InputError(f"{folder / CELLS}: cell {row['id'][:12]} is missing")
        cell, record = cells[row["id"]]
        if row["arm"] == CURVE:
            curve[row["seed"]] = record
        elif row["arm"] in arms:
            records[row["arm"], row["seed"]] = record
            if row["arm"] not in configs:
                configs[row["arm"]] = Config(as_now_written(cell.config))
    return Kept(declared, report, costs, configs, records, curve, True)


def _configs(report: Tree) -> dict[str, Config]:
    tree = as_now_written(report["base"]["config"])
    task = tree["task"]
    if "tokenizer_vocab" in task:  # before tokenizers were a slot of their own
        task["tokenizer"] = {"part": task["tokenizer"], "vocab": task.pop("tokenizer_vocab")}
    base = Config(tree)
    edits = {arm["name"]: {r["path"]: r["arm"] for r in arm["diff"]} for arm in report["arms"]}
    return {"base": base} | {name: base.edit(edit) for name, edit in edits.items()}


def _records(report: Tree) -> Records:
    """Records with what the report tells of each run: its score, its curve, its arm's sizes.

    Of commands it tells no sizes.
    """
    found: Records = {}
    unit, everyone = report["unit"], {"base": report["base"]}
    everyone |= {arm["name"]: arm for arm in report["arms"]}
    for name, arm in everyone.items():
        scores = {r["seed"]: r["arm"] for r in arm["pairs"]} if name != "base" else {}
        for other in report["arms"] if name == "base" else []:
            scores |= {row["seed"]: row["base"] for row in other["pairs"]}
        curves = {row["seed"]: row["evaluation"] for row in arm.get("curves", [])}
        for seed, score in sorted(scores.items()):
            found[name, seed] = {
                "status": "diverged" if score is None else "finished",
                "reason": "",
                "score": score,
                "unit": unit,
                "liveness": arm.get("liveness", []),
                "evaluations": curves.get(seed, []),
                "parameters": {"all": arm["costs"].get("parameters") or 0},
                "flops_per_token": arm["costs"].get("flops_per_token"),
                "tokens": 0,
                "steps": 0,
            }
    return found

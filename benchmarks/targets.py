"""The nine targets and what is measured of scale: which command measures each, what its answer
says, and why a goal is missed where it is.

A command that speaks in lines (`lines.Line`) is read as it is; others have a reading here.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lines import Line, short

Row = dict[str, Any]
RESULTS = Path(__file__).with_name("results")


@dataclass(frozen=True)
class Target:
    """number: of the target; words: the command in this folder; minutes: about how long it takes
    on two cores; read: its answer as lines; why: a sentence for a line that misses its goal."""

    number: int
    title: str
    words: tuple[str, ...]
    minutes: float
    read: Callable[[Row], list[Row]] = lambda answer: answer["lines"]
    why: Callable[[Row, Row], str] = lambda line, answer: line.get("why", "")


def residual(answer: Row) -> list[Row]:
    """Overheads of streams over the plain residual, and the package's over ours."""
    rows = answer["variants"]
    steps = {name: row["steps"] for name, row in rows.items()}

    def over(name: str, what: str, goal: float | None) -> Line:
        row = rows[name]
        return Line(
            target=3, what=f"step with {what} over the plain residual's", value=row["ratio"],
            low=row["ratio_low"], high=row["ratio_high"], goal=goal, at_least=False,
            count=steps[name], said=f"step {short(row['seconds_per_step'])} s",
        )  # fmt: skip

    found = [
        over(name, what, goal)
        for name, what, goal in (
            ("hyper_connections", "static hyper-connections (4 streams)", 1.10),
            ("mhc", "static mHC", 1.10),
            ("dynamic_mhc", "dynamic mHC", 1.35),
            ("dynamic_hyper_connections", "dynamic hyper-connections", None),
        )
        if name in rows
    ]
    for theirs, ours in (
        ("package mhc", "dynamic_mhc"),
        ("package dynamic", "dynamic_hyper_connections"),
    ):
        if theirs in rows and ours in rows:
            found.append(fewer(rows[theirs], rows[ours], theirs, ours))
    return [line.tree for line in found]


def fewer(theirs: Row, ours: Row, name: str, other: str) -> Line:
    """How many times our overhead theirs is; the ends from the ends of both ratios."""

    def times(a: float, b: float) -> float:
        return (a - 1) / max(b - 1, 1e-3)

    return Line(
        target=3, what=f"overhead of {name} over that of {other}",
        value=times(theirs["ratio"], ours["ratio"]),
        low=times(theirs["ratio_low"], ours["ratio_high"] or math.inf),
        high=times(theirs["ratio_high"] or math.inf, ours["ratio_low"]),
        goal=2.0, count=theirs["steps"],
        said=f"steps {short(theirs['ratio'])} and {short(ours['ratio'])} times the plain one",
    )  # fmt: skip


def streams_floor(line: Row, answer: Row) -> str:
    """Why dynamic streams cost what they do: passes over memory that plain torch cannot save."""
    plain = answer["variants"]["pre_norm"]["seconds_per_step"]
    shape, rate = answer["shape"], answer["copy_rate"]
    tokens, streams = shape["batch"] * shape["context"], 4
    # A read and a write forward; backward the gradient in and out, and the streams for phi's.
    passes = 6
    moved = 4 * tokens * streams * shape["width"] * 2 * shape["depth"] * passes
    floor = 1 + moved / rate / plain
    return (
        f"dynamic streams are read and written {passes} times a sublayer, {short(moved / 1e9)} GB "
        f"a step; at this machine's {short(rate / 1e9)} GB/s that alone makes {short(floor)} times "
        f"the plain step without one kernel for all passes (decision 0019)"
    )


def near_shallow(answer: Row) -> list[Row]:
    """Linear time and a warm start."""
    found = []
    for name, row in answer["length"].items():
        said = ", ".join(f"{n}: {short(1000 * s)} ms" for n, s in row["seconds"].items())
        goal = 1.1 if name == "fixed slots, looked up" else None
        found.append(
            Line(target=6, what=f"exponent of SAFFU's time by length, {name}",
                 value=row["exponent"], goal=goal, unit="", at_least=False,
                 count=len(row["seconds"]), said=said)
        )  # fmt: skip
    most = max(answer["warm"]["rows"], key=int)
    row = answer["warm"]["rows"][most]
    found.append(
        Line(target=6, what=f"warm start, {answer['words']:,} words, {int(most):,} tokens",
             value=row["seconds"], goal=60.0, unit="s", at_least=False,
             said=f"peak {short(row['peak_bytes'] / 2**20)} MiB, exponent "
             f"{answer['warm']['exponent']:.2f}")
    )  # fmt: skip
    return [line.tree for line in found]


def index(answer: Row) -> list[Row]:
    """The digit index over brute force, and its growth."""
    found = []
    for axes, goal in ((1, 100.0), (8, 10.0)):
        rows = [row for row in answer["rows"] if row["coordinates"] == axes]
        if not rows:
            continue
        last = max(rows, key=lambda row: row["keys"])
        micro = last["microseconds"]
        found.append(
            Line(target=7, what=f"brute force over the index, {last['keys']:,} keys, D={axes}",
                 value=micro["brute force"] / micro["index"], goal=goal,
                 said=f"{short(micro['index'])} us a query, uniform queries")
        )  # fmt: skip
        grows = answer["growth"][str(axes)].get("index")
        if grows is not None:
            found.append(
                Line(target=7, what=f"exponent of the index by keys, D={axes}", value=grows,
                     goal=1.0, unit="", at_least=False, count=len(rows),
                     said=", ".join(f"{short(r['keys'])}: {short(r['microseconds']['index'])} us"
                                    for r in rows))
            )  # fmt: skip
    return [line.tree for line in found]


STREAMS = ("hyper_connections", "mhc", "dynamic_mhc", "dynamic_hyper_connections",
           "package dynamic", "package mhc")  # fmt: skip
GRID = str(RESULTS / "train_grid_cells.json")
TARGETS: dict[str, Target] = {
    "train_step": Target(1, "Training step", ("train_step.py",), 2),
    "step_profile": Target(1, "Where the step goes", ("step_profile.py",), 1),
    "train_grid": Target(1, "Every shape", ("train_step.py", "--grid", "--kept", GRID), 45),
    "small_cells": Target(2, "Small cells", ("small_cells.py",), 4),
    "residual": Target(
        3, "Residual streams", ("residual.py", "--threads", "2", "--only", *STREAMS), 5,
        residual, streams_floor,
    ),
    "memory": Target(4, "Memory", ("memory.py",), 3),
    "decoding": Target(5, "Decoding", ("decoding.py",), 4),
    "near_shallow": Target(
        6, "Near-shallow models", ("near_shallow.py", "--only", "length", "warm"), 5, near_shallow
    ),
    "lamp_costs": Target(6, "The lamp", ("lamp_costs.py",), 1),
    "noise_key_index": Target(7, "Noise-key index", ("noise_key_index.py",), 4, index),
    "overhead": Target(8, "Overhead of the bench", ("overhead.py",), 4),
    "verdicts": Target(9, "Statistics", ("verdicts.py",), 1),
    "scale": Target(10, "Scale", ("scale.py",), 5),
}  # fmt: skip
"""Name -> what is measured; the name is that of its files."""

"""What every benchmark here says: figures beside their goals, the ratio first, and a picture.

A line is one figure of one target: its value with an interval, the goal and whether it is met. The
value of a ratio comes from things taken in turn (`measure.timing`), so it holds on a machine that
drifts; a figure in seconds says what it was taken from.
"""

import argparse
import dataclasses
import json
import math
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from partbench.measure import machine
from partbench.measure.timing import Timings

Row = dict[str, Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Line:
    """One figure. goal: None where it is only told; at_least: whether more is better.

    low, high: a 95 % interval, or the quartiles where `said` says so; count: of how many values.
    why: what a miss comes from.
    """

    target: int
    what: str
    value: float
    goal: float | None
    low: float | None = None
    high: float | None = None
    unit: str = "x"
    at_least: bool = True
    count: int = 1
    said: str = ""
    why: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the value reaches its goal; None without one."""
        if self.goal is None:
            return None
        return self.value >= self.goal if self.at_least else self.value <= self.goal

    @property
    def tree(self) -> Row:
        """All of it as data."""
        return {**dataclasses.asdict(self), "met": self.met}

    @property
    def figure(self) -> str:
        """The value with its interval, and the unit."""
        found = short(self.value)
        if self.low is not None and self.high is not None:
            found += f" [{short(self.low)}, {short(self.high)}]"
        return found + ("" if self.unit == "x" else " ") + self.unit

    @property
    def wish(self) -> str:
        """The goal in words."""
        if self.goal is None:
            return ""
        space = "" if self.unit == "x" else " "
        return f"{'>=' if self.at_least else '<='} {short(self.goal)}{space}{self.unit}"

    def __str__(self) -> str:
        verdict = {True: "met", False: "MISSED", None: "no goal"}[self.met]
        goal = f" (goal {self.wish}: {verdict})" if self.goal is not None else ""
        said = f"; {self.said}" if self.said else ""
        return f"{self.figure:26s} {self.what}{goal}{said}" + (f"; {self.why}" * bool(self.why))


def short(value: float) -> str:
    """A number as a reader wants it: three digits, or whole with commas from a thousand up."""
    if not math.isfinite(value):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def compared(timings: Timings, slow: str, fast: str, **rest: Any) -> Line:
    """How many times the seconds of `fast` those of `slow` are, with its interval over rounds."""
    ratio = timings.ratio(slow, to=fast)
    return Line(
        value=ratio.value,
        low=ratio.low,
        high=ratio.high if math.isfinite(ratio.high) else None,
        count=timings.table()[slow]["steps"],
        said="; ".join(f"{name} {spread(timings, name)}" for name in (fast, slow)),
        **rest,
    )


def spread(timings: Timings, name: str) -> str:
    """Median and quartiles in words."""
    low, high = timings.quartiles(name)
    count = timings.table()[name]["steps"]
    return f"{timings.median(name):.4g} s (quartiles {low:.4g}-{high:.4g}, {count})"


def of_values(values: Sequence[float], **rest: Any) -> Line:
    """The median of some values, with their quartiles."""
    low, high = min(values), max(values)
    if len(values) > 1:
        low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    said = f"median and quartiles of {len(values)}"
    return Line(
        value=statistics.median(values), low=low, high=high, count=len(values), said=said, **rest
    )


def exponent(rows: dict[float, float]) -> float:
    """The slope of log value by log size, least squares; nan for fewer than two."""
    known = {size: value for size, value in rows.items() if value > 0}
    if len(known) < 2:
        return math.nan
    slope, _ = statistics.linear_regression(
        [math.log(size) for size in known], [math.log(value) for value in known.values()]
    )
    return slope


def parser(doc: str | None) -> argparse.ArgumentParser:
    """A command line with what all benchmarks have: --json and --out."""
    made = argparse.ArgumentParser(description=(doc or "").splitlines()[0])
    made.add_argument("--json", action="store_true", help="all of it as data")
    made.add_argument("--out", type=Path, help="an SVG of what was measured")
    return made


def tell(chosen: argparse.Namespace, lines: Sequence[Line], **rest: Any) -> None:
    """Print the lines, ratios first, or everything as JSON; draw them where --out says."""
    here = machine.describe()
    answer = {"machine": here, "lines": [line.tree for line in lines], **rest}
    if chosen.out:
        from drawing import picture

        chosen.out.write_text(picture(answer["lines"], rest.get("curves", [])))
    if chosen.json:
        print(json.dumps(answer, indent=1))
        return
    for line in lines:
        print(line)
    print(f"{here['processor']} | {here['cores']} cores | torch {here['torch']}")

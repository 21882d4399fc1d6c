"""A figure of a report: its drawings, what they say in words, and the numbers behind them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from partbench.report.charts.plain import Chart, Row
from partbench.report.charts.svg import svg
from partbench.report.tables import Table


@dataclass(frozen=True)
class Figure:
    """One drawing: its title, what it shows, its marks explained, the SVG, and its numbers.

    Two drawings are one figure for wide screens and for narrow ones. numbers: for those who cannot
    see it, or want to count; None where a table of the page has them already.
    """

    title: str
    caption: str
    keys: tuple[tuple[str, str], ...]
    drawings: tuple[str, ...]
    numbers: Table | None = None


LINES = (("base-line", "base"), ("arm-line", "arm"))
DOTS = (("base-dot", "base"), ("arm-dot", "arm"))


def draw_one(specification: dict | Chart | Row, label: str, name: str) -> str:
    """A line chart as it draws itself, all others by vl-convert."""
    if isinstance(specification, Chart | Row):
        return specification.svg(label, name)
    return svg(specification, label, name)


def from_plans(plans: Sequence[Any], arm: dict, report: dict, name: str) -> list[Figure]:
    """Draw what there is to draw.

    A plan: a function of arm and report that gives a chart, a specification or None, then title,
    caption, keys, label, and maybe a function that gives the numbers.
    """
    made = []
    for order, (draw, title, caption, keys, label, *numbers) in enumerate(plans):
        specification = draw(arm, report)
        if specification is not None:
            drawing = draw_one(specification, label, f"{name}-{order}")
            table = numbers[0]() if numbers else None
            made.append(Figure(title, caption, keys, (drawing,), table))
    return made

"""Line charts as plain SVG: most figures of a report are these, and a millisecond draws one.

They look as vl-convert's do beside them: the same sizes, colours and quiet axes, the root element
of `svg.svg`. Everything else is drawn by it (decisions/0002).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from partbench.report.charts import theme

Points = Sequence[tuple[float, float]]
LETTER = 6.7
"""Mean width of a character at 12 pixels."""
PAD = 5.0


@dataclass(frozen=True)
class Axis:
    """A scale with its title and two ends, the values named on it, and how to write them."""

    title: str
    ends: Sequence[float]
    ticks: Sequence[float]
    text: Callable[[float], str]
    log: bool = False
    grid: bool = True

    def share(self, value: float) -> float:
        """Where a value lies, 0 at the low end and 1 at the high one."""
        low, high = self.ends
        if self.log:
            return math.log(value / low) / math.log(high / low)
        return (value - low) / (high - low)

    def texts(self) -> list[str]:
        """The named values as they are written, with a true minus."""
        return [self.text(value).replace("-", "−") for value in self.ticks]


@dataclass(frozen=True)
class Mark:
    """A line through points, marks on them, a band between two heights, or a rule at one.

    kind: "line", "circle", "diamond", "band" or "rule", "stub" (a short rule up from the ground).
    size: the width of a line, the area of a mark.
    """

    kind: str
    points: Points
    color: str
    size: float = 2.0
    opacity: float = 1.0
    dash: Sequence[int] = ()


@dataclass(frozen=True)
class Chart:
    """Marks over two axes; later ones lie on earlier ones. Sizes are those of the inner frame."""

    x: Axis
    y: Axis
    marks: Sequence[Mark]
    width: int
    height: int

    def svg(self, label: str, name: str) -> str:
        """Draw it; `label` is read to those who cannot see it, `name` keeps its ids apart."""
        widest = max(map(len, self.y.texts()), default=0)
        left = PAD + 16 + 8 + LETTER * widest + 6
        right = PAD + max(LETTER * len((self.x.texts() or [""])[-1]) / 2, 4)
        top, bottom = PAD + 3, 6 + 14 + 8 + 14 + PAD
        wide, tall = left + self.width + right, top + self.height + bottom
        name = escape(name, quote=True)
        parts = [self._axes(left), *(self._mark(mark) for mark in self.marks)]
        frame = f'<rect x="0" y="-3" width="{self.width}" height="{self.height + 6}"/>'
        inner = (
            f'<clipPath id="{name}-0">{frame}</clipPath>{parts[0]}'
            f'<g fill="none" clip-path="url(#{name}-0)">{"".join(parts[1:])}</g>'
        )
        box = f'viewBox="0 0 {wide:.0f} {tall:.0f}" style="max-width:{wide * 1.25:.0f}px"'
        return (
            f'<svg {box} role="img" aria-label="{escape(label, quote=True)}">'
            f'<g transform="translate({left:.1f},{top:.1f})">{inner}</g></svg>'
        )

    def _at(self, x: float, y: float) -> tuple[float, float]:
        """Pixels of a point; far outside of the frame is far enough."""
        right = self.width * self.x.share(x)
        down = self.height * (1 - self.y.share(y))
        return right, max(-9 * self.height, min(10 * self.height, down))

    def _axes(self, left: float) -> str:
        parts = []
        for value, text in zip(self.y.ticks, self.y.texts(), strict=True):
            y = self.height * (1 - self.y.share(value))
            if self.y.grid:
                parts.append(f'<path stroke="{theme.RULE}" d="M0,{y:.1f}H{self.width}"/>')
            parts.append(f'<text x="-6" y="{y + 4:.1f}" text-anchor="end">{escape(text)}</text>')
        for value, text in zip(self.x.ticks, self.x.texts(), strict=True):
            x = self.width * self.x.share(value)
            place = f'x="{x:.1f}" y="{self.height + 17}"'
            parts.append(f'<text {place} text-anchor="middle">{escape(text)}</text>')
        title = f'x="{self.width / 2:.0f}" y="{self.height + 38}" text-anchor="middle"'
        parts.append(f"<text {title}>{escape(self.x.title)}</text>")
        turned = f'transform="translate({12 + PAD - left:.1f},{self.height / 2:.0f}) rotate(-90)"'
        parts.append(f'<text {turned} text-anchor="middle">{escape(self.y.title)}</text>')
        return f'<g font-size="12px" fill="{theme.SOFT}" class="axes">{"".join(parts)}</g>'

    def _mark(self, mark: Mark) -> str:
        look = f' opacity="{mark.opacity:g}"' if mark.opacity < 1 else ""
        stroke = f'stroke="{mark.color}" stroke-width="{mark.size:g}"{look}'
        if mark.dash:
            stroke += f' stroke-dasharray="{",".join(map(str, mark.dash))}"'
        if mark.kind == "line":
            points = " ".join("{:.1f},{:.1f}".format(*self._at(*point)) for point in mark.points)
            return f'<polyline {stroke} points="{points}"/>'
        if mark.kind == "rule":
            y = self._at(self.x.ends[0], mark.points[0][1])[1]
            return f'<path {stroke} d="M0,{y:.1f}h{self.width}"/>'
        if mark.kind == "stub":
            ways = ("M{:.1f},{:.1f}v-12".format(*self._at(*point)) for point in mark.points)
            return f'<path {stroke} d="{"".join(ways)}"/>'
        if mark.kind == "band":
            ends = sorted(self._at(self.x.ends[0], y)[1] for _, y in mark.points)
            size = f'y="{ends[0]:.1f}" width="{self.width}" height="{ends[1] - ends[0]:.1f}"'
            return f'<rect x="0" {size} fill="{mark.color}"/>'
        half = math.sqrt(mark.size) / 2
        if mark.kind == "circle":
            dots = (
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{half:.1f}"/>'
                for x, y in (self._at(*point) for point in mark.points)
            )
            return f'<g fill="{mark.color}"{look}>{"".join(dots)}</g>'
        ways = (
            f"M{x - half:.1f},{y:.1f}l{half:.1f},{-half:.1f} {half:.1f},{half:.1f} "
            f"{-half:.1f},{half:.1f}z"
            for x, y in (self._at(*point) for point in mark.points)
        )
        return f'<path fill="{mark.color}"{look} d="{"".join(ways)}"/>'


def linear(
    title: str,
    ends: Sequence[float],
    about: int,
    text: Callable[[float], str] | None = None,
    grid: bool = True,
) -> Axis:
    """An axis with about so many round values; written with as many digits as tell them apart."""
    values = rounds(ends[0], ends[1], about)
    step = values[1] - values[0] if len(values) > 1 else 1.0
    digits = max(0, -math.floor(math.log10(step) + 1e-9)) if step > 0 else 0
    return Axis(title, ends, values, text or (lambda v: f"{v:.{digits}f}"), grid=grid)


def logarithmic(
    title: str, values: Sequence[float], text: Callable[[float], str], grid: bool = True
) -> Axis:
    """A logarithmic axis that holds all values, with ticks that keep their distance."""
    ends = [min(values) / 1.15, max(values) * 1.15]
    return Axis(title, ends, theme.ticks(ends), text, log=True, grid=grid)


def number(title: str, values: Sequence[float], log: bool) -> Axis:
    """The axis of a probe's numbers."""
    if log:
        return logarithmic(title, values, short)
    return linear(title, theme.padded(list(values)), 5, short)


def rounds(low: float, high: float, about: int) -> list[float]:
    """Round numbers between two ends, 1, 2 or 5 times a power of ten apart: about so many."""
    span = (high - low) / max(1, about)
    if not span > 0:
        return [low]
    power = 10.0 ** math.floor(math.log10(span))
    factor = next((n for n, most in ((1, 2**0.5), (2, 10**0.5), (5, 50**0.5))
                   if span / power < most), 10)  # fmt: skip
    size = factor * power
    first, last = math.ceil(low / size - 1e-9), math.floor(high / size + 1e-9)
    return [round(n * size, 12) for n in range(first, last + 1)]


def signed(value: float) -> str:
    """A difference: `+0.02`, and 0 without a sign."""
    return f"{value:+g}" if value else "0"


def counted(value: float) -> str:
    """A whole number: `1,200`."""
    return f"{value:,.0f}"


def short(value: float) -> str:
    """A number of a probe, in three digits."""
    return f"{value:.3g}"


def both(sides: Mapping[str, Points]) -> list[Mark]:
    """The points of base and arm, joined: they differ in colour, in dashes and in shape."""
    marks = []
    for name, points in sides.items():
        color, dash, shape, size = theme.LOOKS[name]
        marks.append(Mark("line", points, color, 2, dash=dash))
        marks.append(Mark(shape, points, color, size))
    return marks

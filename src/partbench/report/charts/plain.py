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
    """A line through points, marks on them, an area they enclose, a band or a rule across.

    kind: "line", "circle", "diamond", "cross", "area", "band" (between two heights), "rule" (at
    one), "stub" (a short rule up from the ground). size: the width of a line, the area of a mark.
    tips: what the pointer reads of each mark.
    """

    kind: str
    points: Points
    color: str
    size: float = 2.0
    opacity: float = 1.0
    dash: Sequence[int] = ()
    tips: Sequence[str] = ()


@dataclass(frozen=True)
class Chart:
    """Marks over two axes; later ones lie on earlier ones. Sizes are those of the inner frame."""

    x: Axis
    y: Axis
    marks: Sequence[Mark]
    width: int
    height: int

    def drawn(self, name: str) -> tuple[str, float, float]:
        """Its inside, with its width and height; `name` keeps its ids apart."""
        widest = max(map(len, self.y.texts()), default=0)
        left = PAD + (24 if self.y.title else 0) + LETTER * widest + 6
        right = PAD + max(LETTER * len((self.x.texts() or [""])[-1]) / 2, 4)
        top, bottom = PAD + 3, 20 + (22 if self.x.title else 0) + PAD
        name = escape(name, quote=True)
        frame = f'<rect x="0" y="-6" width="{self.width}" height="{self.height + 12}"/>'
        marks = "".join(self._mark(mark) for mark in self.marks)
        inner = (
            f'<clipPath id="{name}">{frame}</clipPath>{self._axes(left)}'
            f'<g fill="none" clip-path="url(#{name})">{marks}</g>'
        )
        whole = f'<g transform="translate({left:.1f},{top:.1f})">{inner}</g>'
        return whole, left + self.width + right, top + self.height + bottom

    def svg(self, label: str, name: str) -> str:
        """Draw it; `label` is read to those who cannot see it."""
        return Row([self]).svg(label, name)

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
        if self.x.title:
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
            stubs = ("M{:.1f},{:.1f}v-12".format(*self._at(*point)) for point in mark.points)
            return f'<path {stroke} d="{"".join(stubs)}"/>'
        if mark.kind == "band":
            ends = sorted(self._at(self.x.ends[0], y)[1] for _, y in mark.points)
            size = f'y="{ends[0]:.1f}" width="{self.width}" height="{ends[1] - ends[0]:.1f}"'
            return f'<rect x="0" {size} fill="{mark.color}"/>'
        if mark.kind == "area":
            points = " ".join("{:.1f},{:.1f}".format(*self._at(*point)) for point in mark.points)
            return f'<polygon fill="{mark.color}"{look} points="{points}"/>'
        shape = SHAPES[mark.kind](math.sqrt(mark.size) / 2)
        kind = f'stroke="{mark.color}" stroke-width="2.5"' if mark.kind == "cross" else ""
        tips = [f' data-tip="{escape(tip, quote=True)}"' for tip in mark.tips]
        places = [self._at(*point) for point in mark.points]
        ways = [f"M{x:.1f},{y:.1f}{shape}" for x, y in places]
        if not tips:
            ways, tips = ["".join(ways)], [""]
        drawn = (f'<path d="{way}"{tip}/>' for way, tip in zip(ways, tips, strict=True))
        return f'<g fill="{mark.color}" {kind}{look}>{"".join(drawn)}</g>'


SHAPES: dict[str, Callable[[float], str]] = {
    "circle": lambda r: (
        f"m{-r:.1f},0a{r:.1f},{r:.1f} 0 1 0 {2 * r:.1f},0a{r:.1f},{r:.1f} 0 1 0 {-2 * r:.1f},0z"
    ),
    "diamond": lambda r: f"m{-r:.1f},0l{r:.1f},{-r:.1f} {r:.1f},{r:.1f} {-r:.1f},{r:.1f}z",
    "cross": lambda r: (
        f"m{-r:.1f},{-r:.1f}l{2 * r:.1f},{2 * r:.1f}m0,{-2 * r:.1f}l{-2 * r:.1f},{2 * r:.1f}"
    ),
}
"""Half the size of a mark -> its outline, from its middle."""


@dataclass(frozen=True)
class Row:
    """Charts side by side."""

    charts: Sequence[Chart]

    def svg(self, label: str, name: str) -> str:
        """Draw them; `label` is read to those who cannot see it, `name` keeps their ids apart."""
        inside, wide, tall = "", 0.0, 0.0
        for place, chart in enumerate(self.charts):
            drawn, width, height = chart.drawn(f"{name}-{place}")
            inside += f'<g transform="translate({wide:.1f},0)">{drawn}</g>' if place else drawn
            wide, tall = wide + width, max(tall, height)
        box = f'viewBox="0 0 {wide:.0f} {tall:.0f}" style="max-width:{wide * 1.25:.0f}px"'
        told = escape(label, quote=True)
        return f'<svg {box} role="img" aria-label="{told}">{inside}</svg>'


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

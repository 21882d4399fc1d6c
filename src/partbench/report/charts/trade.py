"""What each arm gains against what it costs: difference over time, FLOPs, memory, parameters."""

import math

from partbench.report import absent, quantities, tables
from partbench.report.charts import labels, theme
from partbench.report.charts.forest import SHAPES

COSTS = (
    ("time_ratio", "time a step"),
    ("flops_per_token", "FLOPs a token"),
    ("peak_memory_bytes", "peak memory"),
    ("parameters", "parameters"),
)
FEW = 6
"""Arms whose letters find room in a small panel; of more each panel is as wide as two."""
SMALL, LARGE = (126, 170), (278, 200)
ROOM = 42
"""Pixels from one named ratio to the next, at least."""
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def rows_of(report: dict) -> list[dict]:
    """One datum an arm with a difference: its letter, its interval, and the ratio of each cost."""
    rows, base = [], tables.base_costs(report)
    for place, arm in enumerate(report["arms"]):
        verdict, own = arm.get("verdict") or {}, arm.get("costs") or {}
        if not all(quantities.known(verdict.get(key)) for key in ("difference", "low", "high")):
            continue
        ratios = {key: tables.quotient(own, base, key) for key, _ in COSTS[1:]}
        ratios["time_ratio"] = own.get("time_ratio")
        rows.append(
            {
                "name": arm["name"],
                "letter": LETTERS[place % len(LETTERS)],
                "color": theme.color_of(verdict.get("word")),
                "shape": SHAPES.get(verdict.get("word") or "", "triangle-up"),
                **{key: verdict[key] for key in ("difference", "low", "high")},
                **{
                    key: value if quantities.known(value) else None for key, value in ratios.items()
                },
            }
        )
    return rows


def trade(report: dict, narrow: bool) -> dict | None:
    """Draw a panel a cost: up or down what was gained, to the right what it takes."""
    rows = rows_of(report)
    panels = [(key, name) for key, name in COSTS if any(row[key] for row in rows)]
    if not panels or not absent.ours(report):
        return None
    margin = report.get("margin") or 0
    ends = [row[end] for row in rows for end in ("low", "high")]
    domain = theme.padded([*ends, 0, -margin, margin])
    few = len(rows) <= FEW
    across = (4 if few else 2) // (2 if narrow else 1)
    drawn = [
        panel(rows, key, name, domain, report, place % across == 0, SMALL if few else LARGE)
        for place, (key, name) in enumerate(panels)
    ]
    if across >= len(drawn):
        return {"hconcat": drawn, "config": theme.CONFIG}
    lines = [{"hconcat": drawn[start : start + across]} for start in range(0, len(drawn), across)]
    return {"vconcat": lines, "config": theme.CONFIG}


def panel(
    rows: list[dict],
    key: str,
    name: str,
    domain: list[float],
    report: dict,
    first: bool,
    size: tuple[int, int],
) -> dict:
    """Draw one cost: every arm's interval at the ratio of its cost to the base's."""
    known = [{**row, "ratio": row[key]} for row in rows if row[key]]
    ratios = [row["ratio"] for row in known]
    # At least a tenth to both sides, so that a per cent does not look like a world.
    extent = [min([*ratios, 0.92]) / 1.03, max([*ratios, 1.08]) * 1.05]
    x = {
        "field": "ratio",
        "type": "quantitative",
        "scale": {"type": "log", "domain": extent, "nice": False},
        "axis": {
            "title": name,
            "values": ticks(extent, size[0] // ROOM),
            "labelExpr": "format(datum.value, '~g') + 'x'",
            "grid": False,
        },
    }
    title = f"difference in {report['unit']}" if first else None
    y = theme.quantity("difference", domain, title=title, tickCount=5, labelExpr=theme.SIGNED)
    color = {"field": "color", "type": "nominal", "scale": None}
    tip = [{**row, "tip": f"{row['name']}: {row['ratio']:.2f}x {name}"} for row in known]
    layers = [
        *theme.margin_band(report.get("margin"), domain),
        theme.zero_line(domain),
        theme.layer(
            [{"ratio": 1}],
            {"type": "rule", "color": theme.SOFT, "strokeDash": [2, 3]},
            x=x,
        ),
        theme.layer(
            known,
            {"type": "rule", "strokeWidth": 2},
            x=x,
            y={**y, "field": "low"},
            y2={"field": "high"},
            color=color,
        ),
        theme.layer(
            tip,
            {"type": "point", "filled": True, "opacity": 1, "size": 60, "aria": True},
            x=x,
            y=y,
            color=color,
            shape={"field": "shape", "type": "nominal", "scale": None},
            description={"field": "tip", "type": "nominal"},
        ),
        *(letters(known, extent, domain, size, x, y) if len(rows) > 1 else ()),
    ]
    return {"width": size[0], "height": size[1], "layer": layers}


def letters(
    known: list[dict],
    extent: list[float],
    domain: list[float],
    size: tuple[int, int],
    x: dict,
    y: dict,
) -> list[dict]:
    """Write each arm's letter beside its mark, or with a line to it where marks are crowded."""
    wide, high = math.log(extent[1] / extent[0]), domain[1] - domain[0]
    width, height = size

    def across(ratio: float) -> float:
        return math.log(ratio / extent[0]) / wide * width

    def down(difference: float) -> float:
        return (domain[1] - difference) / high * height

    def back(at: labels.Point) -> tuple[float, float]:
        return extent[0] * math.exp(at[0] / width * wide), domain[1] - at[1] / height * high

    marks = [(across(row["ratio"]), down(row["difference"])) for row in known]
    bars = [
        (at[0] - 2, down(row["high"]), at[0] + 2, down(row["low"]))
        for at, row in zip(marks, known, strict=True)
    ]
    placed = labels.place(tuple(marks), tuple(bars), size)
    words, lines = [], []
    for row, found in zip(known, placed, strict=True):
        ratio, difference = back(found.at)
        words.append({"letter": row["letter"], "ratio": ratio, "difference": difference})
        if found.line:
            (ratio, difference), (ratio2, difference2) = map(back, found.line)
            ends = {"ratio2": ratio2, "difference2": difference2}
            lines.append({"ratio": ratio, "difference": difference, **ends})
    letter = {"field": "letter", "type": "nominal"}
    text = {"type": "text", "fontWeight": 600, "baseline": "middle"}
    leader = {"type": "rule", "color": theme.SOFT, "strokeWidth": 1}
    x2, y2 = {"field": "ratio2"}, {"field": "difference2"}
    halo = {**text, "stroke": theme.PAPER, "strokeWidth": 3, "color": theme.PAPER}
    return [
        theme.layer(lines, leader, x=x, y=y, x2=x2, y2=y2),
        theme.layer(words, halo, x=x, y=y, text=letter),
        theme.layer(words, text, x=x, y=y, text=letter),
    ]


LADDERS = (
    (0.1, 0.2, 0.5, 1, 2, 5, 10),
    (0.25, 0.5, 1, 2, 4),
    (0.5, 0.7, 1, 1.4, 2),
    (0.6, 0.8, 1, 1.2, 1.4, 1.6),
    (0.9, 1, 1.1),
)
"""Round ratios with 1 among them, from coarse to fine."""
WIDE = 20.0
"""Costs that are so far apart need powers of ten."""


def ticks(extent: list[float], most: int) -> list[float]:
    """The coarsest row of round ratios of which two or more lie in an extent; at most `most`."""
    if extent[1] / extent[0] > WIDE:
        return theme.ticks(extent, most)
    rows = [[tick for tick in row if extent[0] <= tick <= extent[1]] for row in LADDERS]
    return next((row for row in rows if 1 < len(row) <= most), max(rows, key=len))

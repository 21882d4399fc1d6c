"""Pictures of what was measured: figures over their goals, and curves, as SVG by Vega-Lite.

A figure with a goal is drawn as the share of the goal that it reaches, so that figures of all units
stand on one axis: from 1 on it is met. Curves have logarithmic axes.
"""

from collections.abc import Sequence
from typing import Any

Row = dict[str, Any]
MET, MISSED = "#2a7f62", "#b5482a"


def picture(lines: Sequence[Row], curves: Sequence[Row] = ()) -> str:
    """The SVG. lines: trees of `lines.Line`; curves: title, x, y (titles), rows of x, y, of."""
    import vl_convert

    drawn = [reached(line) for line in lines if line["goal"] and line["value"] > 0]
    charts = [goals(drawn)] if drawn else []
    charts += [chart(curve) for curve in curves]
    return vl_convert.vegalite_to_svg(
        {"vconcat": charts, "resolve": {"scale": {"color": "independent"}}}
    )


def reached(line: Row) -> Row:
    """The share of its goal that a figure reaches, and the ends of its interval."""

    def share(value: float | None) -> float | None:
        if not value:
            return None
        return value / line["goal"] if line["at_least"] else line["goal"] / value

    ends = [share(line["low"]), share(line["high"])]
    known = sorted(end for end in ends if end is not None)
    value = share(line["value"])
    return {
        "what": line["what"],
        "value": value,
        "low": known[0] if len(known) == 2 else value,
        "high": known[1] if len(known) == 2 else value,
        "met": "met" if line["met"] else "missed",
    }


def goals(rows: Sequence[Row]) -> Row:
    """A row a figure: a dot with its interval, and a rule where the goal is."""
    color = {
        "field": "met",
        "type": "nominal",
        "title": None,
        "scale": {"domain": ["met", "missed"], "range": [MET, MISSED]},
    }
    what = {
        "field": "what",
        "type": "nominal",
        "title": None,
        "sort": None,
        "axis": {"labelLimit": 420},
    }
    scale = {"type": "log", "nice": False}
    x = {
        "type": "quantitative",
        "title": "share of the goal that is reached (1: met)",
        "scale": scale,
    }
    return {
        "width": 420,
        "data": {"values": list(rows)},
        "layer": [
            {
                "mark": {"type": "rule"},
                "encoding": {
                    "x": {**x, "field": "low"},
                    "x2": {"field": "high"},
                    "y": what,
                    "color": color,
                },
            },
            {
                "mark": {"type": "point", "filled": True, "size": 60},
                "encoding": {"x": {**x, "field": "value"}, "y": what, "color": color},
            },
            {
                "mark": {"type": "rule", "strokeDash": [4, 3], "color": "#555"},
                "encoding": {"x": {"datum": 1}},
            },
        ],
    }


def chart(curve: Row) -> Row:
    """Lines with dots, both axes logarithmic."""
    how = {"type": "quantitative", "scale": {"type": "log", "nice": False}}
    axes = {at: {"field": at, "title": curve[at], **how} for at in ("x", "y")}
    color = {"field": "of", "type": "nominal", "title": None, "legend": {"labelLimit": 0}}
    return {
        "title": curve["title"],
        "width": 420,
        "height": 220,
        "data": {"values": curve["rows"]},
        "mark": {"type": "line", "point": True},
        "encoding": {**axes, "color": color},
    }

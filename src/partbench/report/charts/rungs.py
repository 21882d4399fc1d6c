"""The compute multiplier against compute: does the gain hold with scale?"""

from partbench.report import quantities
from partbench.report.charts import theme
from partbench.report.charts.curves import HEIGHT, WIDTH


def rungs(arm: dict, report: dict) -> dict | None:
    """Draw the multiplier with its interval at every rung, both axes logarithmic."""
    values = [
        {"compute": rung["compute"], **found}
        for rung in (report.get("ladder") or {}).get("rungs") or []
        if (found := rung["arms"][arm["name"]].get("multiplier"))
        and all(quantities.known(found.get(key)) for key in ("value", "low", "high"))
    ]
    if len(values) < 2:
        return None
    ends = [row[key] for row in values for key in ("low", "high")] + [1.0]
    y_scale = {"type": "log", "domain": [min(ends) / 1.1, max(ends) * 1.1], "nice": False}
    computes = [row["compute"] for row in values]
    x_scale = {"type": "log", "domain": [min(computes) / 1.5, max(computes) * 1.5], "nice": False}
    x = {
        "field": "compute",
        "type": "quantitative",
        "scale": x_scale,
        "axis": {
            "title": "training FLOPs of the base",
            "values": computes,
            "labelExpr": "format(datum.value, '.1e')",
            "labelOverlap": True,
            "grid": False,
        },
    }
    y_axis = {"title": "worth in compute", "labelExpr": "format(datum.value, '~g') + 'x'"}
    y = {"field": "value", "type": "quantitative", "scale": y_scale, "axis": y_axis}
    none = theme.layer(
        [{"one": 1.0}],
        {"type": "rule", "color": theme.SOFT, "strokeWidth": 1.25},
        y={**y, "field": "one"},
    )
    whiskers = theme.layer(
        values,
        {"type": "rule", "color": theme.ARM, "strokeWidth": 1.5},
        x=x,
        y={**y, "field": "low"},
        y2={"field": "high"},
    )
    dots = {"type": "point", "filled": True, "opacity": 1, "size": 50, "color": theme.ARM}
    line = {"type": "line", "color": theme.ARM, "strokeDash": theme.DASHES, "strokeWidth": 1.2}
    trend = [theme.layer(values, mark, x=x, y=y) for mark in (line, dots)]
    return theme.figure([none, whiskers, *trend], WIDTH, HEIGHT)

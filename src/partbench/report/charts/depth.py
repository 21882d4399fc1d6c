"""What the probes saw, sublayer by sublayer: base solid, arm dashed."""

from collections.abc import Callable

from partbench.report import quantities
from partbench.report.charts import theme
from partbench.report.charts.curves import HEIGHT, WIDTH

Draw = Callable[[dict, dict], dict | None]


def over_depth(probe: str, key: str, title: str, log: bool = True) -> Draw:
    """Draw one list of a probe over the sublayers, of the base and of the arm."""

    def draw(arm: dict, report: dict) -> dict | None:
        sides = {
            name: ((side or {}).get("probes") or {}).get(probe, {}).get(key) or []
            for name, side in (("base", report.get("base")), ("arm", arm))
        }
        points = {
            name: [
                {"sublayer": place, "value": value}
                for place, value in enumerate(values)
                if quantities.known(value) and (value > 0 or not log)
            ]
            for name, values in sides.items()
        }
        values = [point["value"] for row in points.values() for point in row]
        if len(points["arm"]) < 2:
            return None
        last = max(point["sublayer"] for row in points.values() for point in row)
        x = theme.quantity("sublayer", [0, last], title="sublayer", tickMinStep=1, grid=False)
        short = {"title": title, "tickCount": 5, "labelExpr": "format(datum.value, '.2~g')"}
        y = theme.quantity("value", theme.padded(values), **short)
        if log:
            ends = [min(values) / 1.15, max(values) * 1.15]
            y = {**y, "scale": {"type": "log", "domain": ends, "nice": False}}
        layers = []
        for name, color, dash in (("base", theme.BASE, [1, 0]), ("arm", theme.ARM, theme.DASHES)):
            line = {"type": "line", "strokeWidth": 2, "color": color, "strokeDash": dash}
            dots = {"type": "point", "filled": True, "opacity": 1, "size": 28, "color": color}
            layers += [theme.layer(points[name], mark, x=x, y=y) for mark in (line, dots)]
        return theme.figure(layers, WIDTH, HEIGHT)

    return draw


stream = over_depth("sizes", "stream", "RMS of the stream")
output = over_depth("sizes", "output", "RMS of what is written")
gradient = over_depth("sizes", "gradient", "RMS of the gradient")
alignment = over_depth("alignment", "written", "cosine", log=False)
imbalance = over_depth("gain", "imbalance", "largest |log column sum|", log=False)

"""What the probes saw, sublayer by sublayer: base solid with dots, arm dashed with diamonds."""

from collections.abc import Callable

from partbench.report import quantities
from partbench.report.charts import plain
from partbench.report.charts.curves import HEIGHT, WIDTH

Draw = Callable[[dict, dict], plain.Chart | None]


def points_of(side: dict | None, probe: str, key: str, log: bool = False) -> list[dict]:
    """Place and value of one list of a probe, of one side; a logarithm wants values above 0."""
    values = ((side or {}).get("probes") or {}).get(probe, {}).get(key) or []
    return [
        {"sublayer": place, "value": value}
        for place, value in enumerate(values)
        if quantities.known(value) and (value > 0 or not log)
    ]


def over_depth(probe: str, key: str, title: str, log: bool = True, what: str = "sublayer") -> Draw:
    """Draw one list of a probe over the sublayers, of the base and of the arm."""

    def draw(arm: dict, report: dict) -> plain.Chart | None:
        points = {
            name: [(p["sublayer"], p["value"]) for p in points_of(side, probe, key, log)]
            for name, side in (("base", report.get("base")), ("arm", arm))
        }
        values = [value for row in points.values() for _, value in row]
        if len(points["arm"]) < 2:
            return None
        last = max(place for row in points.values() for place, _ in row)
        places = [place for place in plain.rounds(0, last, 9) if place == round(place)]
        x = plain.Axis(what, (0, last), places, plain.counted, grid=False)
        return plain.Chart(x, plain.number(title, values, log), plain.both(points), WIDTH, HEIGHT)

    return draw


stream = over_depth("sizes", "stream", "RMS of the stream")
output = over_depth("sizes", "output", "RMS of what is written")
gradient = over_depth("sizes", "gradient", "RMS of the gradient")
alignment = over_depth("alignment", "written", "cosine", log=False)
imbalance = over_depth("gain", "imbalance", "largest |log column sum|", log=False)
rank = over_depth("rank", "stream", "effective rank", log=False)
kurtosis = over_depth("extremes", "stream_kurtosis", "kurtosis of the stream")
entropy = over_depth("attention", "entropy", "entropy of attention, nats", log=False, what="layer")
first = over_depth("attention", "first", "weight of the first token", log=False, what="layer")
largest = over_depth("attention", "largest", "largest score", log=False, what="layer")
dead = over_depth("units", "dead", "share of dead units", log=False, what="layer")
ablation = over_depth("ablation", "cost", "nats lost without it", log=False)

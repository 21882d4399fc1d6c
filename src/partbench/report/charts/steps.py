"""What the probes saw over time: base solid with dots, arm dashed with diamonds."""

from collections.abc import Callable

from partbench.report import quantities
from partbench.report.charts import plain
from partbench.report.charts.curves import HEIGHT, WIDTH

Draw = Callable[[dict, dict], plain.Chart | None]


def number(said: dict, probe: str, key: str) -> float | None:
    """One number of a look: the field itself, or of a list over depth its mean."""
    value = (said.get(probe) or {}).get(key)
    if isinstance(value, list):
        known = [one for one in value if quantities.known(one)]
        return sum(known) / len(known) if known else None
    return value if quantities.known(value) else None


def points(side: dict | None, probe: str, key: str) -> list[dict]:
    """Step and value of every look of one side, and of the end."""
    side = side or {}
    rows = [[step, said] for step, said in side.get("probed") or []]
    last = max(
        (run["train"][-1][0] for run in side.get("curves") or [] if run.get("train")), default=0
    )
    rows += [[last + 1, side.get("probes") or {}]] if rows and last else []
    found = [(step, number(said, probe, key)) for step, said in rows]
    return [{"step": step, "value": value} for step, value in found if value is not None]


def over_time(probe: str, key: str, title: str, log: bool = False) -> Draw:
    """Draw one number of the probes over the steps, which are logarithmic as the looks are."""

    def draw(arm: dict, report: dict) -> plain.Chart | None:
        sides = {
            name: [(p["step"], p["value"]) for p in points(side, probe, key)
                   if p["value"] > 0 or not log]
            for name, side in (("base", report.get("base")), ("arm", arm))
        }  # fmt: skip
        if len(sides["arm"]) < 3:
            return None
        x = plain.logarithmic(
            "step", [step for row in sides.values() for step, _ in row], plain.counted, grid=False
        )
        y = plain.number(title, [value for row in sides.values() for _, value in row], log)
        return plain.Chart(x, y, plain.both(sides), WIDTH, HEIGHT)

    return draw


rank = over_time("rank", "stream", "effective rank, mean over depth")
entropy = over_time("attention", "entropy", "nats, mean over layers")
largest = over_time("attention", "largest", "largest score, mean over layers")
calibration = over_time("calibration", "calibration_error", "calibration error")
normaliser = over_time("logits", "z", "mean squared log normaliser", log=True)
gradients = over_time("tensors", "whole", "norm of the gradient", log=True)

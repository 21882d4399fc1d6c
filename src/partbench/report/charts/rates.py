"""Score against the tuned setting, base and arm: where each is best, and how sharp its valley."""

from partbench.report import quantities
from partbench.report.charts import plain, theme
from partbench.report.charts.curves import HEIGHT, WIDTH


def rates(arm: dict, report: dict) -> plain.Chart | None:
    """Draw the mean score at every multiple that was tried, and a tick at each best value."""
    made = report.get("tuning")
    if not made:
        return None
    sides = {row["name"]: row for row in made["arms"]}
    both = {"base": sides["base"], "arm": sides[arm["name"]]}
    known = {
        side: [
            (factor, sum(scores) / len(scores))
            for factor, scores in zip(made["factors"], row["scores"], strict=True)
            if all(quantities.known(score) for score in scores)
        ]
        for side, row in both.items()
    }
    known = {side: points for side, points in known.items() if len(points) > 1}
    if not known:
        return None
    scores = [score for points in known.values() for _, score in points]
    y = plain.linear(report["unit"], theme.padded(scores), 5)
    title = f"multiple of the declared {made['path']}"
    ends = [min(made["factors"]) / 1.15, max(made["factors"]) * 1.15]
    x = plain.Axis(title, ends, made["factors"], lambda v: f"{v:g}x", log=True, grid=False)
    marks = plain.both(known)
    for side in known:
        best = both[side].get("best")
        if quantities.known(best):
            marks.append(plain.Mark("stub", [(best, y.ends[0])], theme.LOOKS[side][0], 3))
    return plain.Chart(x, y, marks, WIDTH, HEIGHT)

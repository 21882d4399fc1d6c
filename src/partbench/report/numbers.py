"""The numbers behind figures, as tables for those who cannot see them."""

from partbench.report import quantities
from partbench.report.charts import curves, depth, steps, trade
from partbench.report.tables import Table, estimate


def trade_numbers(report: dict) -> Table:
    """Difference and cost ratios of every arm."""
    digits = quantities.decimals(report)
    rows = [
        (
            row["name"],
            estimate(row, digits),
            *(quantities.ratio(row[key]) for key, _ in trade.COSTS),
        )
        for row in trade.rows_of(report)
    ]
    headings = ("arm", "difference", *(name for _, name in trade.COSTS))
    return Table("Gain and cost of every arm", headings, rows, (1, 2, 3, 4, 5))


ROWS = 10
"""Of a table of a curve: the last step, and others evenly far apart."""


def curve_numbers(arm: dict, report: dict, kind: str = "evaluation") -> Table:
    """Mean of a curve of base and arm at the steps that all their seeds reached.

    kind: "evaluation", the held-out score, or "train", the training loss averaged over stretches,
    as it is drawn.
    """
    digits = quantities.decimals(report)
    means = [dict(curves.mean(side)) for side in curves.sides_of(arm, report, kind).values()]
    rows = [
        (f"{step:,}", *(quantities.score(side.get(step), digits) for side in means))
        for step in some(sorted(set(means[0]) | set(means[1])))
    ]
    captions = {"evaluation": "Mean score by step", "train": "Mean training loss by step, in nats"}
    return Table(captions[kind], ("step", "base", "arm"), rows, (1, 2))


def difference_numbers(arm: dict, report: dict) -> Table:
    """Arm minus base at each evaluation: the mean over the pairs, the lowest and the highest."""
    digits = quantities.decimals(report)
    paired = curves.paired_curves(arm, report)
    means = dict(curves.mean(paired))
    found: dict[float, list[float]] = {}
    for curve in paired.values():
        for step, value in curve:
            found.setdefault(step, []).append(value)
    rows = [
        (f"{step:,}", *(quantities.signed(value, digits) for value in
                        (means.get(step), min(found[step]), max(found[step]))))
        for step in some(sorted(found))
    ]  # fmt: skip
    headings = ("step", "mean", "lowest pair", "highest pair")
    return Table("Difference by step", headings, rows, (1, 2, 3))


def some(steps: list) -> list:
    """At most `ROWS` of them: the last, and others evenly far apart before it."""
    return steps[::-1][:: -(-len(steps) // ROWS)][::-1]


def depth_numbers(arm: dict, report: dict, probe: str, key: str, what: str, log: bool) -> Table:
    """One list of a probe, base and arm, sublayer by sublayer."""
    sides = [
        {point["sublayer"]: point["value"] for point in depth.points_of(side, probe, key, log)}
        for side in (report.get("base"), arm)
    ]
    return joined(f"{probe}: {key}", what, sides)


def step_numbers(arm: dict, report: dict, probe: str, key: str) -> Table:
    """One number of a probe, base and arm, look by look."""
    sides = [
        {point["step"]: point["value"] for point in steps.points(side, probe, key)}
        for side in (report.get("base"), arm)
    ]
    return joined(f"{probe}: {key}", "step", sides)


def joined(caption: str, what: str, sides: list[dict]) -> Table:
    """Two columns of numbers by place."""
    rows = [
        (f"{place:,}", *(short(side.get(place)) for side in sides))
        for place in sorted(set(sides[0]) | set(sides[1]))
    ]
    return Table(caption, (what, "base", "arm"), rows, (1, 2))


def short(value: float | None) -> str:
    """Three digits, or a dash."""
    return f"{value:.3g}" if quantities.known(value) else quantities.MISSING

"""Loss curves: every seed a thin line, the mean a thick one; base solid, arm dashed."""

from collections.abc import Iterable

from partbench.report import quantities
from partbench.report.charts import plain, theme

WIDTH, HEIGHT = 330, 250
POINTS_IN_ALL = 1000


def evaluation(arm: dict, report: dict) -> plain.Chart | None:
    """Draw the held-out score over the steps."""
    return both(arm, report, "evaluation", report["unit"])


def training(arm: dict, report: dict) -> plain.Chart | None:
    """Draw the training loss over the steps, averaged over short stretches."""
    return both(arm, report, "train", "nats")


def both(arm: dict, report: dict, kind: str, title: str) -> plain.Chart | None:
    """Draw the curves of the base and of the arm in one figure."""
    sides = sides_of(arm, report, kind)
    if not drawable(curve for curves in sides.values() for curve in curves.values()):
        return None
    points = [point for curves in sides.values() for curve in curves.values() for point in curve]
    late = after_warm_up(points, 0.2)
    y = plain.linear(title, theme.padded([value for _, value in late]), 5)
    looks = {"base": (theme.BASE, []), "arm": (theme.ARM, theme.DASHES)}
    marks = []
    for side, (color, dash) in looks.items():
        marks += [plain.Mark("line", c, color, 0.8, 0.4) for c in sides[side].values()]
        marks.append(plain.Mark("line", mean(sides[side]), color, 2.2, dash=dash))
    return plain.Chart(over(points), y, marks, WIDTH, HEIGHT)


def over(points: list) -> plain.Axis:
    """The axis of the steps, from 0 to the last."""
    return plain.linear("step", (0, max(step for step, _ in points)), 4, plain.counted, grid=False)


def sides_of(arm: dict, report: dict, kind: str) -> dict[str, dict[object, list]]:
    """Give the curves of base and arm by seed, long ones averaged over stretches."""
    own, base = curves_of(arm, kind), curves_of(report.get("base"), kind)
    # Only seeds that ran both ways: other seeds would move one mean and not the other.
    sides = {"base": {seed: base[seed] for seed in base if seed in own}, "arm": own}
    budget = max(POINTS_IN_ALL // max(sum(map(len, sides.values())), 1), 12)
    return {
        side: {seed: thinned(curve, budget) for seed, curve in curves.items()}
        for side, curves in sides.items()
    }


def running_difference(arm: dict, report: dict) -> plain.Chart | None:
    """Draw arm minus base at every evaluation, seed by seed."""
    paired = paired_curves(arm, report)
    if not drawable(paired.values()):
        return None
    points = [point for curve in paired.values() for point in curve]
    margin = report.get("margin") or 0
    late = after_warm_up(points, 0.25)
    domain = theme.padded([value for _, value in late] + [0, -margin, margin])
    y = plain.linear(f"difference in {report['unit']}", domain, 6, plain.signed)
    band = [plain.Mark("band", [(0, -margin), (0, margin)], theme.BAND)] if margin else []
    marks = [
        *band,
        plain.Mark("rule", [(0, 0)], theme.SOFT, 1.25),
        *(plain.Mark("line", curve, theme.ARM, 0.8, 0.45) for curve in paired.values()),
        plain.Mark("line", mean(paired), theme.ARM, 2.2),
    ]
    return plain.Chart(over(points), y, marks, WIDTH, HEIGHT)


def paired_curves(arm: dict, report: dict) -> dict[object, list]:
    """Give arm minus base at every evaluation, by seed."""
    base, own = curves_of(report.get("base"), "evaluation"), curves_of(arm, "evaluation")
    paired = {}
    for seed in own.keys() & base.keys():
        there = dict(map(tuple, base[seed]))
        curve = [(step, value - there[step]) for step, value in own[seed] if step in there]
        if curve:
            paired[seed] = thinned(curve, max(POINTS_IN_ALL // len(own), 12))
    return dict(sorted(paired.items()))


def curves_of(side: dict | None, kind: str) -> dict[object, list]:
    """Give the curves of one side by seed, without the points that are no numbers."""
    curves = {}
    for run in (side or {}).get("curves") or []:
        curve = [point for point in run.get(kind) or [] if quantities.known(point[1])]
        if curve:
            curves[run["seed"]] = curve
    return curves


def drawable(curves: Iterable[list]) -> bool:
    """Say whether there is a line to draw: points at two steps or more."""
    return len({step for curve in curves for step, _ in curve}) > 1


def thinned(curve: list, budget: int) -> list[tuple[float, float]]:
    """Average stretches of a long curve, so that noise and file stay small."""
    size = -(-len(curve) // budget)
    if size <= 1:
        return [tuple(point) for point in curve]
    stretches = [curve[start : start + size] for start in range(0, len(curve), size)]
    return [
        (stretch[-1][0], sum(value for _, value in stretch) / len(stretch)) for stretch in stretches
    ]


def after_warm_up(points: list, share: float) -> list:
    """Keep the points past the first steep part, which would flatten all that matters."""
    last = max(step for step, _ in points)
    return [point for point in points if point[0] >= share * last] or points


def mean(curves: dict[object, list]) -> list[tuple[float, float]]:
    """Average the curves of the runs that reached the end, where all of these have a point."""
    if not curves:
        return []
    last = max(curve[-1][0] for curve in curves.values())
    whole = [dict(curve) for curve in curves.values() if curve[-1][0] == last]
    shared = sorted(set.intersection(*map(set, whole)))
    return [(step, sum(curve[step] for curve in whole) / len(whole)) for step in shared]

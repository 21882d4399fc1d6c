"""The drawn figures of a report, with what they say in words and how to read them."""

from partbench.report import absent, inside, quantities, sentences
from partbench.report.charts import curves, forest, pairs, profile, rates, rungs, trade
from partbench.report.charts.svg import svg
from partbench.report.drawing import DOTS, LINES, Figure, from_plans
from partbench.report.numbers import curve_numbers, difference_numbers, trade_numbers

BAND = ("band", "margin: too small to matter")


def drawn(report: dict) -> dict:
    """Draw the forest plot and the four figures of every arm."""
    return {
        "forest": forest_plot(report),
        "trade": trade_plot(report),
        "arms": [of_arm(arm, report, place) for place, arm in enumerate(report["arms"])],
        "inside": [inside.figures(arm, report, p) for p, arm in enumerate(report["arms"])],
    }


def forest_plot(report: dict) -> Figure | None:
    """Draw all arms side by side, once for wide screens and once for narrow ones."""
    told = "; ".join(
        f"{arm['name']}: {sentences.finding(arm, report).replace('**', '')}"
        for arm in report["arms"]
    )
    label = f"Forest plot of the difference of each arm against the base. {told}."
    drawings = []
    for width, name in ((760, "forest-wide"), (330, "forest-narrow")):
        specification = forest.forest(report, width)
        if specification is None:
            return None
        drawings.append(svg(specification, label, name))
    timed = any((arm.get("verdict") or {}).get("seconds") for arm in report["arms"])
    seconds = (("interval-thin", "at equal seconds"),) if timed else ()
    known = "at equal tokens" if absent.ours(report) else "difference and interval"
    keys = (("interval", known), *seconds, BAND)
    title = "Every arm against the base" if len(report["arms"]) > 1 else "Against the base"
    better, worse = ("Right", "left") if report.get("higher_is_better") else ("Left", "right")
    caption = f"{better} of zero the arm is better, {worse} of it worse. The line is the interval."
    return Figure(title, caption, keys, tuple(drawings))


def trade_plot(report: dict) -> Figure | None:
    """Draw gain against cost for all arms, a panel a cost; for wide screens and for narrow ones."""
    rows = trade.rows_of(report)
    told = "; ".join(f"{row['letter']}, {row['name']}" for row in rows)
    label = f"Difference of each arm against the ratio of its costs to the base's. {told}."
    drawings = []
    for narrow in (False, True):
        specification = trade.trade(report, narrow)
        if specification is None:
            return None
        drawings.append(svg(specification, label, f"trade-{'narrow' if narrow else 'wide'}"))
    named = tuple(("letter " + row["letter"], row["name"]) for row in rows) if rows[1:] else ()
    side = "up" if report.get("higher_is_better") else "down"
    caption = (
        f"Further {side} is better, further left is cheaper. The dotted line is the base's cost; "
        f"a cost that was not measured has no point."
    )
    table = trade_numbers(report)
    return Figure("Gain against cost", caption, (*named, BAND), tuple(drawings), table)


def of_arm(arm: dict, report: dict, place: int) -> list[Figure]:
    """Draw what there is to draw of one arm."""
    name, found = arm["name"], sentences.finding(arm, report).replace("**", "")
    lost = [p for p in arm.get("pairs") or [] if p.get("status") in ("diverged", "failed")]
    crosses = (
        (("cross", f"{quantities.number_of(len(lost), 'pair')} without a score"),) if lost else ()
    )
    plans = (
        (
            pairs.pairs,
            "Pair by pair",
            "Left, each line is one seed trained both ways. Right, the difference of each pair, "
            "and their mean with its interval; the shape beside it says how likely each mean is.",
            (("base-dot", "base"), ("arm-dot", "arm"), BAND, *crosses),
            f"Paired differences of {name}: {found}.",
        ),
        (
            curves.running_difference,
            "The difference while training",
            "Arm minus base at each evaluation: thin for one pair, thick for the mean. "
            "The verdict uses the last point.",
            (("arm-plain", "arm minus base"), BAND),
            f"Difference of {name} from the base over the training steps, one line a pair.",
            lambda: difference_numbers(arm, report),
        ),
        (
            curves.evaluation,
            "Score on unseen text",
            "Every seed thin, the mean thick. The steep start is cut off.",
            LINES,
            f"Held-out score over the training steps of base and {name}, one line a seed.",
            lambda: curve_numbers(arm, report),
        ),
        (
            curves.training,
            "Training loss",
            "As trained on, averaged over short stretches.",
            LINES,
            f"Training loss over the training steps of base and {name}, one line a seed.",
            lambda: curve_numbers(arm, report, "train"),
        ),
        (
            rates.rates,
            "Tuning",
            "Score at each multiple of the declared value; a tick marks the value that was used.",
            LINES,
            f"Score of base and {name} at every multiple of the tuned setting.",
        ),
        (
            rungs.rungs,
            "With scale",
            "What the arm is worth in compute at each size, with its interval. Above 1 it saves. "
            "The dashed line is the fitted trend.",
            (("arm-line", "arm"),),
            f"Compute multiplier of {name} at every rung of the ladder.",
        ),
        (
            profile.profile,
            "On other tasks",
            "Share of seeds that solve each, with its exact interval. Looked at, not judged.",
            (("base-dot", "base"), ("arm-dot", "arm")),
            f"Solve rates of base and {name} on other tasks.",
        ),
        (
            rungs.law,
            "Score against compute",
            "At every rung. The line is the law fitted to the base, from three rungs up.",
            DOTS,
            f"Score of base and {name} against training FLOPs, with the base's fitted law.",
        ),
    )
    return from_plans(plans, arm, report, f"arm{place}")

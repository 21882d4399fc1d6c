"""The drawn figures of a report, with what they say in words and how to read them."""

from dataclasses import dataclass

from partbench.report import quantities, sentences
from partbench.report.charts import curves, forest, pairs, rates, rungs
from partbench.report.charts.svg import svg


@dataclass(frozen=True)
class Figure:
    """One drawing: its title, what it shows, its marks explained, and the SVG itself."""

    title: str
    caption: str
    keys: tuple[tuple[str, str], ...]
    drawings: tuple[str, ...]


LINES = (("base-line", "base"), ("arm-line", "arm"))
BAND = ("band", "margin: too small to matter")


def drawn(report: dict) -> dict:
    """Draw the forest plot and the four figures of every arm."""
    return {
        "forest": forest_plot(report),
        "arms": [of_arm(arm, report, place) for place, arm in enumerate(report["arms"])],
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
    keys = (("interval", "at equal tokens"), *seconds, BAND)
    title = "Every arm against the base" if len(report["arms"]) > 1 else "Against the base"
    caption = "Left of zero the arm is better, right of it worse. The line is the interval."
    return Figure(title, caption, keys, tuple(drawings))


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
            "and their mean with its interval.",
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
        ),
        (
            curves.evaluation,
            "Score on unseen text",
            "Every seed thin, the mean thick. The steep start is cut off.",
            LINES,
            f"Held-out score over the training steps of base and {name}, one line a seed.",
        ),
        (
            curves.training,
            "Training loss",
            "As trained on, averaged over short stretches.",
            LINES,
            f"Training loss over the training steps of base and {name}, one line a seed.",
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
            "What the arm is worth in compute at each size, with its interval. Above 1 it saves.",
            (("arm-line", "arm"),),
            f"Compute multiplier of {name} at every rung of the ladder.",
        ),
    )
    made = []
    for order, (draw, title, caption, keys, label) in enumerate(plans):
        specification = draw(arm, report)
        if specification is not None:
            drawing = svg(specification, label, f"arm{place}-{order}")
            made.append(Figure(title, caption, keys, (drawing,)))
    return made

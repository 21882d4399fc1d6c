"""What a reader asks first, each answered in a line: who won, how sure, at what cost, and again."""

from dataclasses import dataclass

from partbench.report import quantities, sentences, tables
from partbench.report.absent import ours

FEW = 3
"""Settings that are told with their values; of more only names are."""


@dataclass(frozen=True)
class Answer:
    """A question, its answer as a sentence, and the id of the section that has the rest."""

    question: str
    text: str
    anchor: str = ""


def answers(report: dict) -> list[Answer]:
    """Answer for the whole study: of several arms about the best one; empty without any arm."""
    if not report.get("arms"):
        return []
    place, arm = first(report)
    anchor, of = f"arm-{place + 1}", f"{arm['name']}: " if len(report["arms"]) > 1 else ""
    again = " ".join((report.get("reproduce") or [""])[-1:])
    found = [
        ("Which won?", won(arm, report), anchor),
        ("How sure?", sure(arm, report), anchor),
        ("At what cost?", named(of, cost(arm, report)), anchor),
        ("At other sizes?", sizes(arm, report), anchor),
        ("What was different?", named(of, different(arm, report)), anchor),
        ("How to run it again?", again, "again"),
    ]
    return [Answer(*answer) for answer in found if answer[1]]


def named(of: str, text: str) -> str:
    """Say of which of several arms it is said."""
    return f"{of}{text[0].lower()}{text[1:]}" if of and text else text


def first(report: dict) -> tuple[int, dict]:
    """The arm to speak of, with its place: the best, else the worst, else the furthest off."""
    words = ("better", "worse", "equivalent", "inconclusive")

    def rank(numbered: tuple[int, dict]) -> tuple[int, float]:
        verdict = numbered[1].get("verdict") or {}
        found = verdict.get("word")
        known = quantities.known(verdict.get("difference"))
        size = abs(verdict["difference"]) if known else 0.0
        return words.index(found) if found in words else len(words), -size

    return min(enumerate(report["arms"]), key=rank)


def won(arm: dict, report: dict) -> str:
    """Name the winner, or say that there is none, or none yet."""
    words = [sentences.word(other, report) for other in report["arms"]]
    name, said = sentences.word(arm, report), sentences.finding(arm, report)
    many = words.count(name)
    if name == "better":
        most = f" Of the {sentences.numeral(many)} that are better it gains most."
        return f"{arm['name']}: {said}.{most if many > 1 else ''}"
    if sentences.PENDING in words:
        return "Not known yet: the study is under way."
    if name == "worse" and many > 1:
        number = sentences.numeral(many).capitalize()
        return f"The base. {number} arms are worse, most of all {arm['name']}: {said}."
    if name == "worse":
        return f"The base. {arm['name']} is {said}."
    if len(words) == 1:
        return f"Neither. {arm['name']} is {said}."
    return "No arm is better than the base."


def sure(arm: dict, report: dict) -> str:
    """Say what the interval promises and what it rests on."""
    verdict = arm.get("verdict") or {}
    if sentences.word(arm, report) not in sentences.VERDICTS:
        return ""
    level = quantities.level(verdict.get("level"))
    text = f"Such an interval holds the true difference in {level} of studies; it rests on "
    text += f"{sentences.evidence(verdict)}."
    alpha = report.get("alpha")
    if ours(report) and quantities.known(alpha):
        arms = "all arms and " if len(report["arms"]) > 1 else ""
        text += (
            f" Over {arms}all looks a part that does nothing is called better or worse in at most "
            f"{100 * alpha:g} % of studies."
        )
    return text


def cost(arm: dict, report: dict) -> str:
    """Say what the arm costs, and whether its gain is left at equal seconds."""
    text = sentences.cost(arm, report).removeprefix("costs ")
    verdict = arm.get("verdict") or {}
    if text and (verdict.get("seconds") or {}).get("word"):
        text += f"; at equal seconds {sentences.per_second(verdict, report)}"
    if not text:
        judged = sentences.word(arm, report) in sentences.VERDICTS
        return "Not timed." if judged and ours(report) else ""
    return f"{text[0].upper()}{text[1:]}."


def sizes(arm: dict, report: dict) -> str:
    """Say whether it would hold at scale, as far as this study asked."""
    said = sentences.scale(arm, report)
    if said:
        return f"{said[0].upper()}{said[1:]}."
    if not ours(report):
        return "Not known here."
    parameters = tables.base_costs(report).get("parameters")
    size = f" of {quantities.short_count(parameters)} parameters" if parameters else ""
    return f"Not asked: every run was at one size{size}."


def different(arm: dict, report: dict) -> str:
    """Name the settings in which the arm is not the base."""
    lines = arm.get("diff") or []
    if not lines:
        return "No setting: base and arm are alike." if ours(report) else ""
    if len(lines) > FEW:
        return f"{quantities.listed([line['path'] for line in lines])}."
    told = (f"{line['path']}: {value(line, 'base')} to {value(line, 'arm')}" for line in lines)
    return f"{'; '.join(told)}."


def value(line: dict, side: str) -> str:
    """One side of a setting that differs, numbers in three digits."""
    found = line.get(side)
    return f"{found:.3g}" if isinstance(found, float) else quantities.setting(found)

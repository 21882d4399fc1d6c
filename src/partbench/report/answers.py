"""What a reader asks first, each answered in a line: who won, how sure, at what cost, and again."""

from dataclasses import dataclass

from partbench.report import quantities, sentences, tables
from partbench.report.absent import ours


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
    anchor = f"arm-{place + 1}"
    found = [
        Answer("Which won?", won(arm, report), anchor),
        Answer("How sure?", sure(arm, report), anchor),
        Answer("At what cost?", cost(arm, report), anchor),
        Answer("At other sizes?", sizes(arm, report), anchor),
        Answer("What was different?", different(arm, report), anchor),
        Answer("How to run it again?", " ".join((report.get("reproduce") or [""])[-1:]), "again"),
    ]
    return [answer for answer in found if answer.text]


def first(report: dict) -> tuple[int, dict]:
    """The arm to speak of, with its place: the best of those called better, else the nearest."""
    up = -1 if report.get("higher_is_better") else 1

    def rank(numbered: tuple[int, dict]) -> tuple[bool, bool, float]:
        verdict = numbered[1].get("verdict") or {}
        known = quantities.known(verdict.get("difference"))
        size = up * verdict["difference"] if known else 0.0
        return verdict.get("word") != "better", not known, size

    return min(enumerate(report["arms"]), key=rank)


def won(arm: dict, report: dict) -> str:
    """Name the winner, or say that there is none, or none yet."""
    words = [sentences.word(other, report) for other in report["arms"]]
    name = sentences.word(arm, report)
    if name == "better":
        many = words.count("better")
        most = f" Of the {sentences.numeral(many)} that are better it gains most."
        return f"{arm['name']}: {sentences.finding(arm, report)}.{most if many > 1 else ''}"
    if sentences.PENDING in words:
        return "Not known yet: the study is under way."
    if set(words) == {"worse"}:
        return f"The base. {arm['name']} is {sentences.finding(arm, report)}."
    if len(words) == 1:
        return f"Neither. {arm['name']} is {sentences.finding(arm, report)}."
    return "No arm is better than the base."


def sure(arm: dict, report: dict) -> str:
    """Say what the interval promises and what it rests on."""
    verdict = arm.get("verdict") or {}
    if sentences.word(arm, report) not in sentences.VERDICTS:
        return ""
    level = quantities.level(verdict.get("level"))
    text = f"The interval has a level of {level}, from {sentences.evidence(verdict)}."
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
    return f"{text[0].upper()}{text[1:]}." if text else ""


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
    paths = [line["path"] for line in arm.get("diff") or []]
    if not paths:
        return "No setting: base and arm are alike." if ours(report) else ""
    return f"{quantities.listed(paths)}."

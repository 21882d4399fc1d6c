"""The report as Markdown: the same facts and the same sentences as the page."""

from partbench.report import answers, glossary, origins, sentences, stages, tables, tree
from partbench.report.absent import ours
from partbench.report.measures import measures
from partbench.report.profile import profile


def markdown(report: dict) -> str:
    """Render the whole report; the dict is not changed."""
    report = tree.finite(report)
    lines = [
        f"# {line(report.get('question') or report['name'])}",
        "",
        safe(sentences.headline(report)),
        "",
        *warnings(report),
        *(f"- *{each.question}* {safe(each.text)}" for each in answers.answers(report)),
        "",
        f"Grade: **{report.get('grade') or 'not given'}**"
        + (f" ({grade})" if (grade := glossary.GRADES.get(report.get("grade") or "", "")) else "")
        + f". Study {line(report['name'])}, {report.get('status')}.",
        "",
    ]
    notes = report.get("notes") or []
    lines += [f"- {line(note)}" for note in notes] + ([""] if notes else [])
    if len(report["arms"]) > 1:
        lines += table(tables.summary(report))
    for arm in report["arms"]:
        lines += of_arm(arm, report)
    tuning = stages.tuning(report)
    lines += ["## Tuning", "", *table(tuning)] if tuning else []
    troubles = tables.troubles(report)
    lines += ["## What went wrong", ""]
    lines += [f"- {line(trouble)}" for trouble in troubles]
    lines += [""] if troubles else ["Nothing: no run diverged or failed.", ""]
    lines += ["## How to read this", ""]
    lines += [f"- **{term}**: {meaning}" for term, meaning in glossary.entries(report)]
    lines += ["", "## How to run it again", "", *block(report.get("reproduce") or [])]
    lines += table(origins.provenance(report))
    lines += folded(origins.base_title(report), block(origins.configuration(report)))
    lines += folded("Every run", table(origins.cells(report), heading=False))
    return "\n".join(lines).rstrip() + "\n"


def warnings(report: dict) -> list[str]:
    """Tell of dead parts before any verdict is believed."""
    told = []
    for arm in report["arms"]:
        for part in arm.get("liveness") or []:
            if part.get("alive") is False:
                note = f" ({line(part['note'])})" if part.get("note") else ""
                name = f"{line(arm['name'])}: the new part looks dead."
                told += [f"> **{name}** {line(part['part'])} did not take part{note}.", ""]
    return told


def of_arm(arm: dict, report: dict) -> list[str]:
    """Render the section of one arm."""
    lines = [f"## {line(arm['name'])}", "", safe(sentences.sentence(arm, report)), ""]
    for made in (stages.following(arm, report), stages.ladder(arm, report)):
        lines += table(made) if made else []
    differences = tables.differences(arm)
    if differences.rows:
        lines += table(differences)
    elif ours(report):
        lines += ["Base and arm have the same settings.", ""]
    lines += table(tables.verdict_numbers(arm, report))
    costs = tables.costs(arm, report)
    if costs.rows:
        lines += table(costs)
    told = measures(arm)
    if told.rows:
        lines += table(told)
    other = profile(arm, report)
    lines += table(other) if other else []
    alive = tables.liveness(arm, report)
    if alive.rows:
        lines += table(alive)
    if arm.get("pairs"):
        lines += table(tables.pairs(arm, report))
    return lines


def table(made: tables.Table, *, heading: bool = True) -> list[str]:
    """Lay out a table, numbers to the right."""
    rules = ("---:" if place in made.numeric else "---" for place in range(len(made.headings)))
    lines = [f"### {made.caption}", ""] if heading else []
    lines += [f"| {' | '.join(made.headings)} |", f"| {' | '.join(rules)} |"]
    lines += [f"| {' | '.join(map(line, row))} |" for row in made.rows]
    return [*lines, ""]


def line(text: str) -> str:
    """Keep foreign text on one line, out of the table's bars and out of HTML."""
    return safe(" ".join(str(text).split())).replace("|", "\\|")


def safe(text: str) -> str:
    """Keep foreign text from being read as HTML; `&` goes first."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def block(lines: list[str]) -> list[str]:
    """Lay out code, in a fence longer than any inside."""
    fence = "```"
    while any(fence in text for text in lines):
        fence += "`"
    return [fence, *lines, fence, ""]


def folded(title: str, inside: list[str]) -> list[str]:
    """Fold what few readers want."""
    summary = f"<details><summary>{title}</summary>"
    return [summary, "", *inside, "</details>", ""]

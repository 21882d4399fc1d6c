"""The verdict as Markdown for a pull request: the sentence first, then a table, the rest folded.

GitHub's Markdown, and no HTML but <details>. Names stand in code spans, and so does every word
with an @ or a # in it, which would call somebody or link to an issue.
"""

import re

from partbench.report import markdown, origins, sentences, stages, tables, tree

CALLS = re.compile(r"@\w|#\d")


def pull_request(report: dict) -> str:
    """Render the verdict of a study; the dict is not changed."""
    report = tree.finite(report)
    arms = report["arms"]
    several = len(arms) > 1
    lines = [markdown.safe(sentences.headline(report)), ""] if several else []
    for arm in arms:
        said = sentences.sentence(arm, report).removeprefix(arm["name"]).strip()
        lines.append(f"{'- ' if several else ''}{code(arm['name'])} {quiet(said)}")
    lines += ["", *markdown.warnings(report)]
    lines += table(tables.summary(report), heading=False)
    notes = report.get("notes") or []
    lines += [f"- {quiet(note)}" for note in notes] + ([""] if notes else [])
    lines += markdown.folded("Numbers, pairs and costs", details(report))
    again = markdown.block(report.get("reproduce") or [])
    origin = table(origins.provenance(report), heading=False)
    lines += markdown.folded("How to run it again", [*again, *origin])
    return "\n".join(lines).rstrip() + "\n"


def details(report: dict) -> list[str]:
    """What few readers of a pull request want: every table of every arm, and what went wrong."""
    lines: list[str] = []
    for arm in report["arms"]:
        lines += [f"#### {code(arm['name'])}", ""]
        made = [stages.following(arm, report), stages.ladder(arm, report)]
        made += [tables.differences(arm), tables.verdict_numbers(arm, report)]
        made += [tables.costs(arm, report), tables.pairs(arm, report)]
        for one in made:
            lines += table(one) if one and one.rows else []
    tuning = stages.tuning(report)
    lines += table(tuning) if tuning else []
    troubles = tables.troubles(report)
    return [*lines, *(f"- {quiet(trouble)}" for trouble in troubles), *([""] if troubles else [])]


def table(made: tables.Table, *, heading: bool = True) -> list[str]:
    """Lay out a table, numbers to the right."""
    rules = ("---:" if place in made.numeric else "---" for place in range(len(made.headings)))
    lines = [f"**{made.caption}**", ""] if heading else []
    lines += [f"| {' | '.join(made.headings)} |", f"| {' | '.join(rules)} |"]
    for row in made.rows:
        cells = (quiet(cell).replace("|", "\\|") for cell in row)
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, ""]


def code(text: str) -> str:
    """A code span that holds any text, backticks too, on one line."""
    text = " ".join(str(text).split())
    fence = "`"
    while fence in text:
        fence += "`"
    room = " " if "`" in text else ""
    return f"{fence}{room}{text}{room}{fence}"


def quiet(text: str) -> str:
    """Text on one line that mentions nobody, links to no issue, and is no HTML."""
    words = " ".join(str(text).split()).split(" ")
    return " ".join(code(word) if CALLS.search(word) else markdown.safe(word) for word in words)

"""The report as one page of HTML that needs nothing but itself."""

import functools
import re
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from partbench.report import (
    absent,
    answers,
    figures,
    glossary,
    origins,
    quantities,
    sentences,
    stages,
    tables,
    tree,
)
from partbench.report.measures import measures
from partbench.report.profile import profile

if TYPE_CHECKING:
    import jinja2

TEMPLATES = Path(__file__).parent / "templates"
UNITS = (
    r"%|bits|nats|more|pairs?|runs?|ms|s|min|h|[kMG]B|bytes|million|billion|trillion|time|cores?"
)


def html(report: dict) -> str:
    """Render the whole report; the dict is not changed."""
    report = tree.finite(report)
    page = environment().get_template("report.html.j2").render(names(report))
    return re.sub(r"\n\s*\n+", "\n", page)


def names(report: dict) -> dict[str, Any]:
    """Everything that the template of a report, or one that extends it, speaks of."""
    return {
        "report": report,
        "absent": absent,
        "ours": absent.ours(report),
        "arms": report["arms"],
        "brief": answers.answers(report),
        "drawn": figures.drawn(report),
        "tables": tables,
        "stages": stages,
        "measures": measures,
        "profile": profile,
        "origins": origins,
        "sentences": sentences,
        "quantities": quantities,
        "digits": quantities.decimals(report),
        "glossary": glossary,
        "words": set(sentences.VERDICTS) | {sentences.PENDING, sentences.NONE},
    }


@functools.cache
def environment(*above: Path) -> "jinja2.Environment":
    """Set jinja2 up once; everything is escaped unless it is our own drawing.

    Templates are looked for in the folders `above` first: they may extend those of the report.
    """
    import jinja2

    loader = jinja2.FileSystemLoader([*above, TEMPLATES])
    made = jinja2.Environment(
        loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, auto_reload=False
    )
    made.filters["typeset"] = typeset
    made.filters["spoken"] = spoken
    return made


def typeset(text: Any) -> str:
    """Set numbers well: true minus and times signs, units that stay on the number's line."""
    text = re.sub(r"(?<![\w.=-])-(?=\.?\d)", "−", str(text))
    text = re.sub(r"(?<=\d)x(?!\w)", "×", text)
    text = re.sub(r"(?<=\d), (?=[−+]?[\d.]+\])", ",\u00a0", text)
    return re.sub(rf"(?<=\d) (?=(?:{UNITS})(?!\w))", "\u00a0", text)


def spoken(text: str) -> Any:
    """Set a sentence: numbers well, and the verdict word, marked by `**`, in bold."""
    import markupsafe

    safe = escape(typeset(text))
    words = "|".join((*sentences.VERDICTS, sentences.PENDING, sentences.NONE))
    mark = r'<strong class="word" data-word="\1">\1</strong>'
    return markupsafe.Markup(re.sub(rf"\*\*({words})\*\*", mark, safe))

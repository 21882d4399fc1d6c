"""docs/reference/claims.md: everything about every claim."""

from typing import Any

from partbench.claims import words
from partbench.claims.claim import Claim, catalogue
from partbench.claims.places import shown
from partbench.claims.recorded import recorded
from partbench.report import quantities

HEAD = """# Claims in full

One section a claim: the sentence as it was published, its source, what would refute it, the runs, \
every test with its number, and what was recorded. [The table](../claims.md) has all of them at a \
glance. A `claim` is a test of a part of the sentence, a `control` asks whether something simpler \
explains it, and what stands `beside` decides nothing.
"""


def page() -> str:
    """Every claim in full, in the order of their ids."""
    told = recorded()
    return "\n".join([HEAD, *(details(claim, told[id]) for id, claim in catalogue().items())])


def details(claim: Claim, told: dict[str, Any]) -> str:
    """Everything about one claim, as Markdown."""
    lines = [f"## {claim.id}", "", f"> {claim.sentence}", ""]
    lines += [f"**{words.standing(claim, told)}**", "", f"- *Source*: {claim.source}"]
    lines.append(f"- *Refuted when*: {claim.refuted}")
    if claim.untestable:
        lines += [f"- *Not testable here*: {claim.untestable}", f"- *Instead*: {claim.instead}"]
    if claim.waits:
        lines.append(f"- *Waits*: {claim.waits}")
    for run in claim.run:
        what = f"`{shown(run.study)}`" if run.study else f"`{run.command}`"
        smaller = f", run at a smaller scale: {run.smaller}" if run.smaller else ""
        lines.append(f"- *Run* `{run.name}`: {what}{smaller}")
    for test, found in zip(claim.test, told["tests"], strict=True):
        number = words.number(test, found)
        lines.append(f"- *{test.role}*: {test.says}: {number}: **{found['outcome']}**")
    where = (told["scale"], told["machine"], told["date"] or "no date in the record")
    said = ", ".join(word for word in (*where, words.cost(told)) if word)
    said = said.removesuffix(f", {quantities.MISSING}")
    lines.append(f"- *Recorded*: {said if told['recorded'] else 'nothing yet'}")
    lines.append(f"- *To settle it at scale*: {claim.settle}")
    lines.append(f"- *One GPU*: `{claim.one_gpu}`")
    lines.append(f"- *Many*: `{claim.many}`")
    return "\n".join([*lines, ""])

"""A part's card: what its docstring says, its settings, and what this lab found out about it.

Evidence is every verdict of a remembered study in which an arm put the part into its slot: by how
much, how sure, at what cost, at which scale. Where an arm changed other settings too, the row says
with what, for then the verdict is about all of it.
"""

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from partbench.core.errors import ConfigError, nearest
from partbench.core.menu import SLOTS, Part, find, names
from partbench.report import quantities
from partbench.report.tables import Table, estimate, quotient, without_empty_end

NOTE = re.compile(
    r"^(Papers?|Sources?|Differs|Settings|Cost|Limits): (.*?)(?=\n[ \t]*\n|\n[A-Z]\w+: |\Z)",
    re.MULTILINE | re.DOTALL,
)
TUNED = "optimizer.rate"
Tree = dict[str, Any]


@dataclass(frozen=True)
class Card:
    """notes: (kind, text) as the docstrings have them, the paper first; settings as they stand in
    the part's `__init__`; evidence: one row a verdict, the newest first.
    """

    part: Part
    text: str
    notes: tuple[tuple[str, str], ...]
    settings: tuple[str, ...]
    evidence: Table


def asked(word: str) -> Part:
    """The part called SLOT=PART or SLOT.PART, by a name that one slot alone has, or PART.FORM:
    a form of it that its card speaks of, as in attention.grouped_query.

    Raises ConfigError for names that no slot has, and for those of several.
    """
    first, divided, name = word.replace("=", ".", 1).partition(".")
    if divided and first in SLOTS:
        return find(first, name, "parts")
    owners = [slot for slot in SLOTS if first in names(slot)]
    if divided:
        words = map(re.escape, re.split("[-_]", name))
        form = re.compile(r"[-_\s]?".join(words), re.IGNORECASE)
        owners = [slot for slot in owners if form.search("\n".join(_documents(find(slot, first))))]
    if len(owners) == 1:
        return find(owners[0], first)
    if owners:
        said = ", ".join(f"{slot}={word}" for slot in owners)
        raise ConfigError(f"parts: several slots have a '{word}': {said}")
    known = [*SLOTS, *(name for slot in SLOTS for name in names(slot))]
    if divided:
        known = [f"{slot}.{name}" for slot in SLOTS for name in names(slot)]
    raise ConfigError(f"parts: no slot or part '{word}'; {nearest(word, known)}")


def card(part: Part, studies: Iterable[Tree]) -> Card:
    """The card of a part, with what `studies` (`history.summary` of reports) found."""
    documents = _documents(part)
    notes = [(kind, " ".join(note.split())) for kind, note in NOTE.findall("\n\n".join(documents))]
    settings = [
        f"{s.name}: {s.annotation}" + ("" if s.required else f" = {s.default!r}")
        for s in part.settings.values()
    ]
    said = (NOTE.sub("", document).strip() for document in documents)
    text = "\n\n".join(filter(None, said))
    found = evidence(part, studies)
    return Card(part, text, tuple(notes), tuple(settings), found)


def _documents(part: Part) -> list[str]:
    """What the part's file says of itself, and its class or function."""
    tree = ast.parse(part.path.read_text(encoding="utf-8"))
    kinds = ast.ClassDef | ast.FunctionDef
    own = [n for n in tree.body if isinstance(n, kinds) and n.name == part.attribute]
    return [ast.get_docstring(node) or "" for node in (tree, *own)]


def evidence(part: Part, studies: Iterable[Tree]) -> Table:
    """Every verdict on the part or on one of its settings, the newest study first."""
    rows = []
    for study in sorted(studies, key=lambda study: study["declared_at"], reverse=True):
        for arm in study["arms"]:
            # Each arm of a tuned study has a rate of its own: that is no question about the rate.
            diff = [r for r in arm["diff"] if study["grade"] == "screen" or r["path"] != TUNED]
            arm = {**arm, "diff": diff}
            own = [row for row in diff if slot_of(row["path"]) == part.slot]
            if own and part.name in _named(study, arm, part.slot):
                rows.append(_row(study, arm, part, own))
    headings = ("tried", "in place of", "verdict", "difference and interval", "pairs", "compute",
                "at equal seconds", "time", "parameters", "scale", "grade", "study",
                "with")  # fmt: skip
    caption = f"What this lab found about {part.slot}={part.name}"
    return without_empty_end(Table(caption, headings, rows, (3, 4, 5, 7, 8)))


def slot_of(path: str) -> str:
    """The slot whose part, or a setting of whose part, a line of a diff changes."""
    words = [re.sub(r"\[.*", "", word) for word in path.split(".")]
    inner = words[0] in ("model", "task", "optimizer") and len(words) > 1 and words[1] in SLOTS
    return words[1] if inner else words[0]


def _named(study: Tree, arm: Tree, slot: str) -> set[str]:
    """The parts that an arm has in a slot: those of its diff, or the base's where it keeps it."""
    changed = [row for row in arm["diff"] if slot_of(row["path"]) == slot]
    put = {row["arm"] for row in changed if row["path"].endswith("part")}
    if put:
        return put
    base = study["base"]
    held = base.get(slot) or base.get("model", {}).get(slot) or base.get("task", {}).get(slot)
    return {item["part"] for item in (held if isinstance(held, list) else [held]) if item}


def _row(study: Tree, arm: Tree, part: Part, own: list[Tree]) -> tuple[str, ...]:
    verdict, costs, base = arm["verdict"], arm.get("costs"), study.get("base_costs")
    digits = quantities.decimals(study)
    swapped = next((row for row in own if row["path"].endswith("part")), None)
    settings = [row for row in own if row["arm"] is not None and row is not swapped]
    tried, before = part.name, ", ".join(_said(row, "base") for row in settings)
    if swapped is not None:
        before = str(swapped["base"])
    else:
        tried = ", ".join(_said(row, "arm") for row in settings)
    others = [row["path"] for row in arm["diff"] if row not in own]
    dead = "" if arm["alive"] else " (dead)"
    return (
        tried,
        before,
        (verdict["word"] or "no verdict") + dead,
        f"{estimate(verdict, digits)} {study['unit']}",
        quantities.count(verdict["pairs"]),
        quantities.ratio((verdict["multiplier"] or {}).get("value")),
        (verdict["seconds"] or {}).get("word") or quantities.MISSING,
        quantities.change((costs or {}).get("time_ratio")),
        quantities.change(quotient(costs, base, "parameters")),
        scale(study),
        study["grade"],
        study["name"],
        quantities.listed(others),
    )


def _said(row: Tree, side: str) -> str:
    return f"{row['path'].rpartition('.')[2]}={quantities.setting(row[side])}"


def scale(study: Tree) -> str:
    """Parameters of the base and tokens a run: where the verdict was found."""
    parameters = (study.get("base_costs") or {}).get("parameters")
    config = study["base"]
    sizes = [config.get("train", {}).get(key) for key in ("steps", "batch")]
    sizes.append(config.get("dims", {}).get("context"))
    tokens = None
    if all(sizes):
        tokens = sizes[0] * sizes[1] * sizes[2]
    said = [
        f"{quantities.short_count(parameters)} parameters" if parameters else "",
        f"{quantities.short_count(tokens)} tokens" if tokens else "",
    ]
    return ", ".join(filter(None, said)) or quantities.MISSING


def terminal(made: Card) -> list[str]:
    """The card as lines for a terminal."""
    part = made.part
    lines = [f"{part.slot}={part.name}", "", *made.text.splitlines()]
    lines += ["", *(f"{kind}: {note}" for kind, note in made.notes)] if made.notes else []
    lines += ["", "settings", *(f"    {line}" for line in made.settings)] if made.settings else []
    if not made.evidence.rows:
        return [*lines, "", "No study in this ledger has tried it: partbench compare --swap "
                f"{part.slot}={part.name}"]  # fmt: skip
    lines += ["", made.evidence.caption]
    for row in made.evidence.rows:
        told = dict(zip(made.evidence.headings, row, strict=False))
        than = "than" if told["verdict"] in ("better", "worse") else "beside"
        lines.append(f"    {told['tried']}: {told['verdict']} {than} {told['in place of']}")
        facts = [f"{told['difference and interval']}, {told['pairs']} pairs"]
        facts += [f"{name} {told[name]}" for name in made.evidence.headings[5:10]]
        facts += [f"grade {told['grade']}, study {told['study']}"]
        facts += [f"together with {told['with']}"] if told.get("with") else []
        lines += [f"        {fact}" for fact in facts if not fact.endswith(quantities.MISSING)]
    return lines

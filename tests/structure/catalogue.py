"""The catalogue of parts, docs/reference/parts.md, written from the parts' own docstrings.

python -m tests.structure.catalogue
"""

import ast
import re
from pathlib import Path

from partbench.core.menu import PACKAGE, SLOTS, Part, find, names

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "parts.md"
HEAD = """# Parts

Every part on the menu, with its settings. This page is written from the docstrings by
`python -m tests.structure.catalogue`; `partbench parts SLOT` shows the same in a terminal.
"""
NOTE = re.compile(
    r"^(Papers?|Sources?|Differs|Settings|Cost|Limits): (.*?)(?=\n[ \t]*\n|\n[A-Z]\w+: |\Z)",
    re.MULTILINE | re.DOTALL,
)


def catalogue() -> str:
    """The whole page."""
    return HEAD + "".join(slot_text(slot) for slot in SLOTS)


def slot_text(slot: str) -> str:
    """One slot: its line and its parts."""
    document = ast.get_docstring(
        ast.parse((PACKAGE / SLOTS[slot] / "__init__.py").read_text(encoding="utf-8"))
    )
    line = re.sub(r"^Slot `\w+`: ", "", (document or "").splitlines()[0])
    cards = "".join(part_text(find(slot, name)) for name in names(slot))
    return f"\n## {slot}\n\n{line[0].upper()}{line[1:]}\n{cards}"


def part_text(part: Part) -> str:
    """One part: its line, its notes, its settings."""
    tree = ast.parse(part.path.read_text(encoding="utf-8"))
    own = [n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == part.attribute]
    documents = [ast.get_docstring(node) or "" for node in (tree, *own)]
    rows = [f"\n### {part.slot}={part.name}\n\n{_plain(part.summary)}\n"]
    for kind, note in NOTE.findall("\n\n".join(documents)):
        rows.append(f"- *{kind}*: {_plain(' '.join(note.split()))}")
    for setting in part.settings.values():
        default = setting.default
        shown = f"{default:g}" if isinstance(default, float) else repr(default)
        given = "required" if setting.required else f"default `{shown}`"
        rows.append(f"- `{setting.name}`: `{setting.annotation}`, {given}")
    return "\n".join(rows).rstrip() + "\n"


def _plain(text: str) -> str:
    """Prose that Markdown leaves as it is."""
    return re.sub(r"([*\[\]])", r"\\\1", text.replace("<", "&lt;"))


if __name__ == "__main__":
    PAGE.write_text(catalogue(), encoding="utf-8")

"""What a part says of itself: read from its source, nothing is built."""

import ast
import re
from collections.abc import Callable

from partbench.testing.subject import Subject


def it_names_its_source(subject: Subject) -> None:
    """A paper, a report or another source, in the docstring of the class or of its file."""
    assert re.search(r"\b(Papers?|Sources?): ", docstrings(subject)), (
        f"{subject}: no source; write `Paper: who, year, arXiv:number.` or `Source: ...`"
    )


def it_says_its_cost(subject: Subject) -> None:
    """Parameters, FLOPs or memory, in words, in the docstring."""
    assert re.search(r"\b(Cost|Memory): ", docstrings(subject)), (
        f"{subject}: no cost; write `Cost: parameters, FLOPs or memory, or none.`"
    )


def its_defaults_are_of_their_types(subject: Subject) -> None:
    """A default passes its own check and comes out as it went in."""
    for setting in subject.part.settings.values():
        if not setting.required:
            checked = setting.check(setting.default, f"{subject.slot}.{setting.name}")
            assert repr(checked) == repr(setting.default), (
                f"{subject}: the default of {setting.name} is {setting.default!r}, but as "
                f"{setting.annotation} it is {checked!r}; write that"
            )


def docstrings(subject: Subject) -> str:
    """The docstrings of the part's file and of its class."""
    tree = ast.parse(subject.part.path.read_text(encoding="utf-8"))
    found = [ast.get_docstring(tree)]
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            found += [ast.get_docstring(node)] if node.name == subject.part.attribute else []
    return "\n".join(text for text in found if text)


ALWAYS: list[Callable[[Subject], None]] = [it_names_its_source, its_defaults_are_of_their_types]
COSTED: list[Callable[[Subject], None]] = [it_says_its_cost]

"""The normal form of a problem: what stays when names are changed, facts reordered, numbers drawn.

    colour of a name, round 0   its sort
    colour, round r + 1         its colour, and the facts it stands in, with itself marked
    skeleton                    the facts as sorted words: names by colour, numbers by #

Renamed or reordered problems have equal skeletons. So may two that differ (colour refinement is no
perfect test), which only keeps more out of the training set. A sum, difference or product of plain
numbers has its columns' carries for a skeleton, since nothing else of it is structure.
Source: Weisfeiler and Leman 1968 (colour refinement).
"""

import hashlib
from collections.abc import Iterable

from partbench.symbolic import syntax
from partbench.symbolic.printer import to_words
from partbench.symbolic.problems.column import columns
from partbench.symbolic.syntax import Binary, Node, Number
from partbench.symbolic.vocabulary import NAMES

ROUNDS = 4
_NAMES = frozenset(NAMES)


def fold(given: Iterable[Node], folds: int) -> int:
    """Which of `folds` parts of all skeletons this problem belongs to."""
    digest = hashlib.sha256(skeleton(given).encode()).digest()
    return int.from_bytes(digest[:8], "little") % folds


def skeleton(given: Iterable[Node]) -> str:
    """The normal form of what is given, as text."""
    statements = list(given)
    if len(statements) == 1 and isinstance(statements[0], syntax.Find):
        found = _carries(statements[0].term)
        if found:
            return found
    facts = [_fact(statement) for statement in statements]
    names = {word for fact in facts for word in fact if word in _NAMES}
    colours = dict.fromkeys(names, 0)
    for _ in range(ROUNDS):
        signs = {name: _sign(name, facts, colours) for name in names}
        ranks = {sign: rank for rank, sign in enumerate(sorted(set(signs.values())))}
        colours = {name: ranks[signs[name]] for name in names}
    shapes = sorted(" ".join(_coloured(fact, colours)) for fact in facts)
    return "\n".join(shapes)


def _carries(term: Node) -> str | None:
    if not isinstance(term, Binary) or term.operator not in ("plus", "minus", "times"):
        return None
    left, right = term.left, term.right
    if not isinstance(left, Number) or not isinstance(right, Number):
        return None
    if term.operator == "times" and right.value > 9:
        return None
    steps, _ = columns(term.operator, left.value, right.value)
    lengths = sorted((len(str(left.value)), len(str(right.value))))
    return f"{term.operator} {lengths} {[carry for _, carry in steps]}"


def _fact(statement: Node) -> tuple[str, ...]:
    """The words of a statement without its label, numbers as #."""
    if isinstance(statement, syntax.Assume | syntax.State):
        words = [type(statement).__name__, *to_words(statement.claim)]
    else:
        words = to_words(statement)
    blank = ["#" if word.isdigit() else word for word in words]
    return tuple(w for i, w in enumerate(blank) if w != "#" or i == 0 or blank[i - 1] != "#")


def _coloured(fact: tuple[str, ...], colours: dict[str, int], own: str = "") -> list[str]:
    return [
        "@" if word == own else f"name{colours[word]}" if word in colours else word for word in fact
    ]


def _sign(
    name: str, facts: list[tuple[str, ...]], colours: dict[str, int]
) -> tuple[int, tuple[str, ...]]:
    held = sorted(" ".join(_coloured(fact, colours, name)) for fact in facts if name in fact)
    return colours[name], tuple(held)

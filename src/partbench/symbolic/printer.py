"""From tree to text, canonical: the fewest brackets, one pattern a construct, lines laid out.

parse(write(x)) == x    for every tree of the parser, in all three renderings
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from partbench.symbolic import syntax
from partbench.symbolic.renderings import LEVELS, RENDERINGS, Rendering, is_slot
from partbench.symbolic.syntax import Node

LEVEL = {op: number for number, (_, operators) in enumerate(LEVELS) for op in operators}
SIDE = {op: side for side, operators in LEVELS for op in operators}
LOOSEST, TIGHTEST, DOMAIN = -1, len(LEVELS), 6


class Layout(NamedTuple):
    """Where lines break: after `stops`, before `begins`; blocks stand between opens and ends."""

    stops: tuple[str, ...]
    begins: tuple[str, ...]
    opens: str
    ends: str


LAYOUTS = {
    "symbolic": Layout((".",), (), "{", "}"),
    "english": Layout((".", "?"), (), "proof :", "end"),
    "lean": Layout((), ("variable", "def", "#eval", "intro", "let", "have", "show", "by", "begin",
                        "end"), "begin", "end"),
}  # fmt: skip


def write(node: Node, rendering: str = "symbolic") -> str:
    """The text of a tree: of a whole one, or of any part of one."""
    return lay_out(to_words(node, rendering), rendering)


def to_words(node: Node, rendering: str = "symbolic") -> list[str]:
    """The words of a tree, digits one by one."""
    return list(_words(node, RENDERINGS[rendering]))


def lay_out(words: Iterable[str], rendering: str = "symbolic") -> str:
    """Words as lines: digits of one number together, stops at the word before, blocks indented."""
    layout = LAYOUTS[rendering]
    lines: list[str] = []
    line: list[str] = []
    depth = 0
    last = ""

    def close() -> None:
        if line:
            lines.append("    " * depth + "".join(line))
            line.clear()

    for word in words:
        if word in layout.begins or (word == layout.ends and not line):
            close()
        if word == layout.ends and not line:
            depth = max(0, depth - 1)
        glued = word in layout.stops or (word.isdigit() and last.isdigit())
        line.append(word if glued or not line else f" {word}")
        opened = "".join(line) == layout.opens
        if opened or word in layout.stops:
            close()
        depth += opened
        last = word
    close()
    return "\n".join(lines) + "\n" * (len(lines) > 1)


def _words(node: Node, table: Rendering) -> Iterable[str]:
    match node:
        case syntax.Text(statements=statements):
            for statement in statements:
                yield from _words(statement, table)
        case syntax.Sort(words=words):
            for number, word in enumerate(words):
                yield from ([table.arrow] if number else [])
                yield from table.sorts[word].split()
        case syntax.Declare() | syntax.State() | syntax.Find() | syntax.Assume() | syntax.Let():
            yield from _fill(type(node).__name__.lower(), node, table)
        case syntax.Take() | syntax.Show() | syntax.By() | syntax.Block():
            yield from _fill(type(node).__name__.lower(), node, table)
        case syntax.Step():
            kind = ("step" if node.reason is None else "hence") + ("_each" if node.name else "")
            yield from _fill(kind, node, table)
        case _:
            yield from _formula(node, LOOSEST, table)


def _fill(construct: str, node: Node, table: Rendering) -> Iterable[str]:
    for word in table.patterns[construct][0].split():
        if not is_slot(word):
            yield word
            continue
        slot = word[1:-1]
        value: Any = getattr(node, "operand" if slot == "sized" else slot, None)
        if slot == "sort" and value is None:
            value = node.domain  # type: ignore[attr-defined]
        if slot == "method":
            yield from table.methods[value].split()
        elif slot in ("statements", "items"):
            for number, item in enumerate(value):
                yield from ([","] if number and slot == "items" else [])
                yield from _words(item, table)
        elif slot == "domain":
            yield from _formula(value, DOMAIN, table)
        else:
            yield from [value] if isinstance(value, str) else _words(value, table)


def level(node: Node) -> int:
    """How tightly a term holds together, from LOOSEST to TIGHTEST."""
    if isinstance(node, syntax.Bound) and node.kind != "set":
        return LOOSEST
    if isinstance(node, syntax.Binary):
        return LEVEL[node.operator]
    if isinstance(node, syntax.Unary) and node.operator != "size":
        return LEVEL[node.operator]
    return TIGHTEST


def _formula(node: Node, outer: int, table: Rendering) -> Iterable[str]:
    """`node` where only terms of level `outer` or tighter may stand."""
    here = level(node)
    if here < outer:
        yield from ["(", *_formula(node, LOOSEST, table), ")"]
        return
    match node:
        case syntax.Number(value=value):
            yield from str(value)
        case syntax.Name(name=name):
            yield name
        case syntax.Apply(function=function, arguments=arguments):
            yield from [function, *([table.apply] if table.apply else [])]
            after_number = False
            for argument in arguments:
                number = isinstance(argument, syntax.Number)
                plain = isinstance(argument, syntax.Name) or (number and not after_number)
                inner = list(_formula(argument, LOOSEST, table))
                yield from inner if plain else ["(", *inner, ")"]
                after_number = number and plain
        case syntax.Unary(operator="size"):
            yield from _fill("size", node, table)
        case syntax.Unary(operator=operator, operand=operand):
            yield from [*table.operators[operator].split(), *_formula(operand, here, table)]
        case syntax.Binary(operator=operator, left=left, right=right):
            side = SIDE[operator]
            yield from _formula(left, here + (side != "left"), table)
            yield from table.operators[operator].split()
            yield from _formula(right, here + (side != "right"), table)
        case syntax.Listed():
            yield from _fill("listed", node, table)
        case syntax.Bound(kind=kind, domain=domain):
            sort = "sort" if isinstance(domain, syntax.Sort) else "set"
            yield from _fill("set" if kind == "set" else f"{kind}_{sort}", node, table)
        case _:
            raise TypeError(f"{type(node).__name__} is no term")

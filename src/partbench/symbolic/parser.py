"""From text to tree: an LALR parser made by Lark, and errors of one line.

Every failure is an InputError that says line, column, what was met, and the nearest right choice.
"""

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from partbench.core.errors import InputError, nearest
from partbench.symbolic import syntax
from partbench.symbolic.grammar import grammar, terminals
from partbench.symbolic.lexer import Word, words
from partbench.symbolic.renderings import RENDERINGS, is_slot
from partbench.symbolic.syntax import DEEPEST, Node
from partbench.symbolic.vocabulary import DIGITS

if TYPE_CHECKING:
    from lark import Lark

LONGEST_NUMBER = 40
"""Digits a number may have."""


def parse(text: str, rendering: str = "symbolic") -> syntax.Text:
    """The tree of `text`; InputError (one line, with the place) where it is none."""
    return parse_words(list(words(text, rendering)), rendering)


def parse_words(found: list[Word], rendering: str = "symbolic") -> syntax.Text:
    """The tree of words that were cut already, as a model gives them."""
    from lark.exceptions import UnexpectedToken

    try:
        tree = _parser(rendering).parse(found)
    except UnexpectedToken as error:
        raise InputError(_complaint(error, found, rendering)) from None
    except _TooMuch as error:
        raise InputError(str(error)) from None
    assert isinstance(tree, syntax.Text)
    return tree


def _complaint(error: Any, found: list[Word], rendering: str) -> str:
    kinds = {kind: word for word, kind in terminals(RENDERINGS[rendering].words).items()}
    accepted = set(error.accepts or error.expected)
    choices = sorted(kinds[kind] for kind in accepted if kind in kinds)
    choices += ["a name"] * ("NAME" in accepted) + ["a digit"] * ("DIGIT" in accepted)
    last = found[-1] if found else Word("", 1, 1)
    if error.token.type == "$END":
        place = f"line {last.line}, column {last.column + len(last.text)}"
        met = "the end of the text"
    else:
        place, met = f"line {error.token.line}, column {error.token.column}", repr(str(error.token))
    if not choices:
        return f"{place}: {met} cannot stand here; nothing may follow"
    hint = nearest(str(error.token), choices) if error.token else ""
    if not hint.startswith("did"):
        hint = f"here may stand {', '.join(choices[:12])}{' ...' if len(choices) > 12 else ''}"
    return f"{place}: {met} cannot stand here; {hint}"


class _TooMuch(Exception):
    """More than the language allows: too deep or too long."""


@cache
def _parser(rendering: str) -> "Lark":
    from lark import Lark, Token
    from lark.lexer import Lexer

    table = RENDERINGS[rendering]
    kinds = terminals(table.words)

    class Given(Lexer):
        """Hands on the words that were cut already."""

        def __init__(self, lexer_conf: Any) -> None: ...

        def lex(self, data: Any) -> Iterator[Token]:  # type: ignore[override]
            for word in data:
                kind = kinds.get(word.text) or ("DIGIT" if word.text in DIGITS else "NAME")
                yield Token(kind, word.text, line=word.line, column=word.column)

    return Lark(
        grammar(table),
        parser="lalr",
        lexer=Given,
        transformer=_build(rendering)(),
        maybe_placeholders=False,
    )


def _build(rendering: str) -> type:
    """The transformer of a rendering: each pattern's parts become the fields of its node."""
    from lark import Transformer

    table = RENDERINGS[rendering]

    def shallow(node: Node) -> Node:
        if node.depth > DEEPEST:
            raise _TooMuch(f"nested deeper than {DEEPEST} levels; name inner parts with `let`")
        return node

    def number(self: Any, digits: list[Any]) -> Node:
        if len(digits) > LONGEST_NUMBER:
            raise _TooMuch(
                f"line {digits[0].line}, column {digits[0].column}: a number of {len(digits)} "
                f"digits; at most {LONGEST_NUMBER}"
            )
        return syntax.Number(int("".join(digits)))

    def node(make: Any) -> Any:
        return lambda self, parts: shallow(make(parts))

    methods: dict[str, Any] = {
        "start": node(lambda parts: syntax.Text(tuple(parts))),
        "number": number,
        "name": node(lambda parts: syntax.Name(str(parts[0]))),
        "apply": node(lambda parts: syntax.Apply(str(parts[0]), tuple(parts[1:]))),
        "items": lambda self, parts: tuple(parts),
        "sort": node(lambda parts: syntax.Sort(tuple(parts))),
    }
    for name in table.sorts:
        methods[f"basic__{name.lower()}"] = lambda self, parts, name=name: name
    for name in table.methods:
        methods[f"method__{name}"] = lambda self, parts, name=name: name
    for name in table.operators:
        methods[f"unary__{name}"] = node(lambda p, name=name: syntax.Unary(name, p[0]))
        methods[f"binary__{name}"] = node(lambda p, name=name: syntax.Binary(name, p[0], p[1]))
    for construct, patterns in table.patterns.items():
        for place, pattern in enumerate(patterns):
            slots = [word[1:-1] for word in pattern.split() if is_slot(word)]
            methods[f"{construct}__{place}"] = node(_maker(construct, slots))
    return type("Build", (Transformer,), methods)


CLASSES: dict[str, type[Node]] = {
    "declare": syntax.Declare, "state": syntax.State, "find": syntax.Find,
    "assume": syntax.Assume, "let": syntax.Let, "take": syntax.Take, "step": syntax.Step,
    "hence": syntax.Step, "step_each": syntax.Step, "hence_each": syntax.Step,
    "show": syntax.Show, "by": syntax.By,
}  # fmt: skip


def _maker(construct: str, slots: list[str]) -> Any:
    def make(parts: list[Any]) -> Node:
        if construct == "block":
            return syntax.Block(tuple(parts))
        given: dict[str, Any] = {
            slot: str(part) if slot in ("name", "method") else part
            for slot, part in zip(slots, parts, strict=True)
        }
        if construct == "listed":
            return syntax.Listed(given["items"])
        if construct == "size":
            return syntax.Unary("size", given["sized"])
        if construct == "set":
            return syntax.Bound("set", given["name"], given["sort"], given["body"])
        if construct in CLASSES:
            return CLASSES[construct](**given)
        domain = given.get("sort") or given["domain"]
        return syntax.Bound(construct.split("_")[0], given["name"], domain, given["body"])

    return make

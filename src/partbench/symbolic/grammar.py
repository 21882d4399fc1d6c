"""The Lark grammar of a rendering, made of its table; LALR(1), without a single conflict.

Expressions are one ladder of levels (renderings.LEVELS), so terms and formulas are told apart by
meaning.py and not here. Terminals are the words themselves.
"""

from functools import cache

from partbench.symbolic.renderings import BINDERS, LEVELS, STATEMENTS, Rendering, is_slot

SLOTS = {
    "name": "NAME", "sort": "sort", "claim": "formula", "term": "formula", "value": "formula",
    "reason": "formula", "body": "formula", "domain": "domain", "items": "items",
    "sized": "sized", "method": "method", "statements": "statement*",
}  # fmt: skip


@cache
def terminals(words: tuple[str, ...]) -> dict[str, str]:
    """Word -> terminal. The underscore keeps it out of the tree."""
    return {word: f"_W{number}" for number, word in enumerate(words)}


def grammar(table: Rendering) -> str:
    """The whole grammar as text."""
    names = terminals(table.words)

    def sequence(pattern: str) -> str:
        return " ".join(
            SLOTS[word[1:-1]] if is_slot(word) else names[word] for word in pattern.split()
        )

    def alternatives(construct: str) -> list[str]:
        return [
            f"{sequence(pattern)} -> {construct}__{number}"
            for number, pattern in enumerate(table.patterns[construct])
        ]

    def rule(name: str, options: list[str]) -> str:
        return f"{name}: " + "\n    | ".join(options)

    def words(choices: dict[str, str], name: str) -> str:
        return rule(
            name, [f"{sequence(text)} -> {name}__{key.lower()}" for key, text in choices.items()]
        )

    open_, close, comma = names["("], names[")"], names[","]
    statements = [alt for construct in (*STATEMENTS, "block") for alt in alternatives(construct)]
    binders = [alt for construct in BINDERS for alt in alternatives(construct)]
    sets = [*alternatives("set"), *alternatives("listed")]
    rules = [
        "start: statement*",
        rule("statement", statements),
        rule("?formula", ["level0", *binders]),
    ]
    for number, (side, operators) in enumerate(LEVELS):
        here, below = f"level{number}", f"level{number + 1}"
        left = here if side == "left" else below
        right = here if side in ("right", "prefix") else below
        made = [f"{sequence(table.operators[op])} {right} -> unary__{op}" for op in operators]
        if side != "prefix":
            made = [f"{left} {form.replace('unary', 'binary')}" for form in made]
        rules.append(rule(f"?{here}", [below, *made]))
    of = f"{names[table.apply]} " if table.apply else ""
    rules += [
        rule(f"?level{len(LEVELS)}", ["primary", f"NAME {of}argument+ -> apply"]),
        rule("?primary", ["argument", "braced", *alternatives("size")]),
        rule("?argument", ["NAME -> name", "number", f"{open_} formula {close}"]),
        rule("?sized", ["NAME -> name", "braced"]),
        rule("?braced", sets),
        "?domain: level6",
        f"items: formula ({comma} formula)*",
        "number: DIGIT+",
        f"sort: basic ({names[table.arrow]} basic)*",
        words(table.sorts, "basic"),
        words(table.methods, "method"),
        "%declare NAME DIGIT " + " ".join(names.values()),
    ]
    return "\n".join(rules) + "\n"

"""Three ways to write the same text: symbolic, English, Lean-like; one table reads and writes.

Each construct has patterns; `<slot>` is a part of it, every other word stands for itself. The first
pattern is the one that is written, the others are read as well. grammar.py makes the parser and
printer.py the printer of the same patterns, so what one writes the other reads, in all three.
Words are separated by spaces in all renderings, and digits stand one by one.
"""

from dataclasses import dataclass
from functools import cached_property

LEVELS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("none", ("iff",)),
    ("right", ("implies",)),
    ("left", ("or",)),
    ("left", ("and",)),
    ("prefix", ("not",)),
    ("none", ("eq", "ne", "lt", "gt", "le", "ge", "in", "notin", "divides", "subset")),
    ("left", ("plus", "minus", "cup")),
    ("left", ("times", "mod", "div", "cap")),
    ("prefix", ("negative",)),
)
"""Operators from the loosest to the tightest, and how those of one level associate."""

SORTS = ("Nat", "Int", "Prop", "Set")
METHODS = ("deduce", "contra", "cases", "induct")
Patterns = tuple[str, ...]

STATEMENTS = ("declare", "state", "find", "assume", "let", "take", "step", "hence",
              "step_each", "hence_each", "show", "by")  # fmt: skip
BINDERS = ("forall_sort", "forall_set", "exists_sort", "exists_set", "prod_set", "sum_set")


@dataclass(frozen=True)
class Rendering:
    """How each construct is written. operators, sorts, methods: name -> words."""

    name: str
    patterns: dict[str, Patterns]
    operators: dict[str, str]
    sorts: dict[str, str]
    methods: dict[str, str]
    arrow: str
    apply: str
    aliases: dict[str, str]

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Every word this rendering can use, names and digits apart, in the table's order."""
        written = [p for patterns in self.patterns.values() for p in patterns]
        written += [*self.operators.values(), *self.sorts.values(), *self.methods.values()]
        found = " ".join([*written, self.arrow, self.apply, "( ) ,"]).split()
        return tuple(dict.fromkeys(w for w in found if not is_slot(w)))


def is_slot(word: str) -> bool:
    """Whether a word of a pattern stands for a part."""
    return len(word) > 2 and word[0] == "<" and word[-1] == ">" and word[1].isalpha()


SYMBOLIC = Rendering(
    name="symbolic",
    patterns={
        "declare": ("hyp <name> : <sort> .",),
        "state": ("hyp <name> : <claim> .",),
        "find": ("find <term> .",),
        "assume": ("assume <name> : <claim> .",),
        "let": ("let <name> := <value> .",),
        "take": ("let <name> : <sort> .",),
        "step": ("step <claim> .",),
        "hence": ("step <reason> => <claim> .",),
        "step_each": ("step <claim> for <name> in <domain> .",),
        "hence_each": ("step <reason> => <claim> for <name> in <domain> .",),
        "show": ("show <claim> .",),
        "by": ("by <method> .",),
        "block": ("{ <statements> } qed .",),
        "forall_sort": ("forall <name> : <sort> , <body>",),
        "forall_set": ("forall <name> in <domain> , <body>", "forall <name> : <domain> , <body>"),
        "exists_sort": ("exists <name> : <sort> , <body>",),
        "exists_set": ("exists <name> in <domain> , <body>", "exists <name> : <domain> , <body>"),
        "prod_set": ("prod <name> : <domain> , <body>", "prod <name> in <domain> , <body>"),
        "sum_set": ("sum <name> : <domain> , <body>", "sum <name> in <domain> , <body>"),
        "set": ("{ <name> : <sort> | <body> }",),
        "listed": ("{ <items> }",),
        "size": ("| <sized> |",),
    },
    operators={
        "iff": "<->", "implies": "->", "or": "\\/", "and": "/\\", "not": "~", "eq": "=",
        "ne": "<>", "lt": "<", "gt": ">", "le": "<=", "ge": ">=", "in": "in", "notin": "notin",
        "divides": "|", "subset": "sub", "plus": "+", "minus": "-", "cup": "cup", "times": "*",
        "mod": "mod", "div": "div", "cap": "cap", "negative": "-",
    },
    sorts={name: name for name in SORTS},
    methods={name: name for name in METHODS},
    arrow="->",
    apply="",
    aliases={
        "⤳": "=>", "↝": "=>", "⇝": "=>", "⟿": "=>", "⇒": "=>", "↪": "=>", "→": "->", "↔": "<->",
        "∧": "/\\", "∨": "\\/", "¬": "~", "≠": "<>", "!=": "<>", "≤": "<=", "≥": ">=", "∈": "in",
        "∉": "notin", "∣": "|", "⊆": "sub", "∪": "cup", "∩": "cap", "∀": "forall", "∃": "exists",
        "∏": "prod", "∑": "sum", "ℕ": "Nat", "ℤ": "Int",
    },
)  # fmt: skip

ENGLISH = Rendering(
    name="english",
    patterns={
        "declare": ("consider any <sort> <name> .",),
        "state": ("call <name> the claim that <claim> .",),
        "find": ("what is <term> ?",),
        "assume": ("suppose as <name> that <claim> .",),
        "let": ("write <name> for <value> .",),
        "take": ("take any <sort> <name> .",),
        "step": ("it follows that <claim> .",),
        "hence": ("since <reason> , it follows that <claim> .",),
        "step_each": ("it follows that <claim> , for each <name> of <domain> .",),
        "hence_each": ("since <reason> , it follows that <claim> , for each <name> of <domain> .",),
        "show": ("therefore <claim> .",),
        "by": ("this is so by <method> .",),
        "block": ("proof : <statements> end of proof .",),
        "forall_sort": ("for every <sort> <name> , <body>",),
        "forall_set": ("for every <name> in <domain> , <body>",),
        "exists_sort": ("there is some <sort> <name> with <body>",),
        "exists_set": ("there is some <name> in <domain> with <body>",),
        "prod_set": ("the product of <body> for <name> in <domain>",),
        "sum_set": ("the sum of <body> for <name> in <domain>",),
        "set": ("the set of every <sort> <name> with <body> closed",),
        "listed": ("the set of <items> closed",),
        "size": ("the size of <sized>",),
    },
    operators={
        "iff": "exactly when", "implies": "implies", "or": "or", "and": "and", "not": "not",
        "eq": "equals", "ne": "differs from", "lt": "is less than", "gt": "is greater than",
        "le": "is at most", "ge": "is at least", "in": "is in", "notin": "is not in",
        "divides": "divides", "subset": "is part of", "plus": "plus", "minus": "minus",
        "cup": "joined with", "times": "times", "mod": "modulo", "div": "divided by",
        "cap": "shared with", "negative": "minus",
    },
    sorts={"Nat": "natural number", "Int": "integer", "Prop": "statement", "Set": "set"},
    methods={
        "deduce": "deduction", "contra": "contradiction", "cases": "all cases",
        "induct": "induction",
    },
    arrow="to",
    apply="of",
    aliases={},
)  # fmt: skip

LEAN = Rendering(
    name="lean",
    patterns={
        "declare": ("variable ( <name> : <sort> )",),
        "state": ("def <name> : Prop := <claim>",),
        "find": ("#eval <term>",),
        "assume": ("intro ( <name> : <claim> )",),
        "let": ("let <name> := <value>",),
        "take": ("intro ( <name> : <sort> )",),
        "step": ("have : <claim>",),
        "hence": ("have : <claim> from <reason>",),
        "step_each": ("have : <claim> for <name> ∈ <domain>",),
        "hence_each": ("have : <claim> from <reason> for <name> ∈ <domain>",),
        "show": ("show <claim>",),
        "by": ("by <method>",),
        "block": ("begin <statements> end",),
        "forall_sort": ("∀ <name> : <sort> , <body>",),
        "forall_set": ("∀ <name> ∈ <domain> , <body>",),
        "exists_sort": ("∃ <name> : <sort> , <body>",),
        "exists_set": ("∃ <name> ∈ <domain> , <body>",),
        "prod_set": ("∏ <name> ∈ <domain> , <body>",),
        "sum_set": ("∑ <name> ∈ <domain> , <body>",),
        "set": ("{ <name> : <sort> | <body> }",),
        "listed": ("{ <items> }",),
        "size": ("card <sized>",),
    },
    operators={
        "iff": "↔", "implies": "→", "or": "∨", "and": "∧", "not": "¬", "eq": "=", "ne": "≠",
        "lt": "<", "gt": ">", "le": "≤", "ge": "≥", "in": "∈", "notin": "∉", "divides": "∣",
        "subset": "⊆", "plus": "+", "minus": "-", "cup": "∪", "times": "*", "mod": "%", "div": "/",
        "cap": "∩", "negative": "-",
    },
    sorts={"Nat": "ℕ", "Int": "ℤ", "Prop": "Prop", "Set": "Set"},
    methods={
        "deduce": "simp", "contra": "contradiction", "cases": "cases", "induct": "induction",
    },
    arrow="→",
    apply="",
    aliases={},
)  # fmt: skip

RENDERINGS = {item.name: item for item in (SYMBOLIC, ENGLISH, LEAN)}

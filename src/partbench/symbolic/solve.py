"""Whether a proof solves a problem: the only thing that scores.

It must be one block, stand after exactly what is given, reach the goal, and be valid throughout;
with short steps (`near`), or one could score by leaving the whole proof to the checker.
"""

from collections.abc import Iterable

from partbench.core.errors import InputError
from partbench.symbolic import syntax
from partbench.symbolic.lexer import Word
from partbench.symbolic.parser import parse_words
from partbench.symbolic.syntax import Node


def solves(
    given: Iterable[Node],
    proof: Iterable[str],
    rendering: str = "symbolic",
    *,
    near: bool = True,
) -> bool:
    """Whether the words of `proof` are a valid proof of what is asked for after `given`."""
    from partbench.symbolic.checker import check  # brings z3

    words = [Word(word, 1, place + 1) for place, word in enumerate(proof)]
    try:
        statements = parse_words(words, rendering).statements
    except InputError:
        return False
    if len(statements) != 1 or not isinstance(statements[0], syntax.Block):
        return False
    return check(syntax.Text((*given, *statements)), near=near).status == "valid"

"""What a family makes: what is given, a proof, and a model in which all of it is true."""

import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from partbench.symbolic import syntax
from partbench.symbolic.syntax import Binary, Node, Number, Sort, Unary

Random = np.random.Generator
LABELS = ("h", *(f"h{n}" for n in range(1, 10)), *(f"H{n}" for n in range(1, 5)))


@dataclass(frozen=True)
class Problem:
    """given: declarations, assumptions and the goal. proof: one block that reaches the goal.

    model: a value for every declared name under which all that is given holds: a number, a truth
    value, a set of numbers, or a function. It is how a test knows a wrong step without the checker.
    """

    family: str
    given: tuple[Node, ...]
    proof: syntax.Block
    model: dict[str, Any]

    @property
    def text(self) -> syntax.Text:
        """The problem with its proof."""
        return syntax.Text((*self.given, self.proof))


class Fresh:
    """Names that are not taken, in an order of their own for each problem."""

    def __init__(self, random: Random) -> None:
        small = [letter for letter in string.ascii_lowercase if letter not in "hk"]
        self._small = [small[i] for i in random.permutation(len(small))]
        large = list(string.ascii_uppercase)
        self._large = [large[i] for i in random.permutation(len(large))]
        self._labels = 0

    def small(self) -> str:
        """A variable, a proposition or a function."""
        return self._small.pop()

    def large(self) -> str:
        """A set."""
        return self._large.pop()

    def label(self) -> str:
        """A label for what is given: h, h1, ... h9, H1, ... H4."""
        self._labels += 1
        return LABELS[self._labels - 1]


def pick(random: Random, choices: Sequence[Any]) -> Any:
    """One of `choices`."""
    return choices[int(random.integers(len(choices)))]


def shuffled(random: Random, items: Sequence[Any]) -> list[Any]:
    """The same items in another order."""
    return [items[i] for i in random.permutation(len(items))]


def number(value: int) -> Node:
    """The term of a whole number."""
    return Number(value) if value >= 0 else Unary("negative", Number(-value))


def equal(left: Node, right: Node | int) -> Node:
    """`left = right`."""
    return Binary("eq", left, right if isinstance(right, Node) else number(right))


def plus(left: Node, right: Node | int) -> Node:
    """`left + right`."""
    return Binary("plus", left, right if isinstance(right, Node) else number(right))


def times(left: int, right: Node) -> Node:
    """`left * right`."""
    return Binary("times", number(left), right)


def opposite(claim: Node) -> Node:
    """`~ claim`, or what `claim` denies."""
    if isinstance(claim, Unary) and claim.operator == "not":
        return claim.operand
    return Unary("not", claim)


def given(
    random: Random, fresh: Fresh, sorts: dict[str, str], facts: list[Node], goal: Node
) -> tuple[Node, ...]:
    """Declarations, the facts in any order with labels, and the goal: a `find` or a claim."""
    declared = [syntax.Declare(name, Sort(tuple(sort.split()))) for name, sort in sorts.items()]
    assumed = [syntax.Assume(fresh.label(), fact) for fact in shuffled(random, facts)]
    if not isinstance(goal, syntax.Find):
        goal = syntax.State("k", goal)
    return (*declared, *assumed, goal)


def proof(steps: Sequence[Node], shown: Node, method: str = "deduce") -> syntax.Block:
    """Steps, what they are for, and how it follows. Bare claims become steps."""
    statements = (*SYNTAX, syntax.Show)
    made = [step if isinstance(step, statements) else syntax.Step(step) for step in steps]
    return syntax.Block((*made, syntax.Show(shown), syntax.By(method)))


SYNTAX = (syntax.Step, syntax.Assume, syntax.Block, syntax.By, syntax.Let, syntax.Take)

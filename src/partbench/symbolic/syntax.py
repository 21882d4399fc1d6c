"""What a text of the symbolic language is once it has been read: terms and statements.

Terms and formulas share one grammar; whether `x /\\ 3` means anything is for meaning.py to say.
Equality is structural, so `parse(write(x)) == x` is a plain comparison.
Source: the author's example, Euclid's proof (tests/symbolic/euclid.txt).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any

DEEPEST = 60
"""How many levels a text may be nested; what walks it is recursive."""


@dataclass(frozen=True)
class Node:
    """Anything in a tree. depth: levels below and including this one."""

    depth: int = field(default=1, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        deepest = max((child.depth for child in children(self)), default=0)
        object.__setattr__(self, "depth", deepest + 1)


@dataclass(frozen=True)
class Number(Node):
    """A natural number, written in digits."""

    value: int


@dataclass(frozen=True)
class Name(Node):
    """A variable, a function's name, or the label of a statement."""

    name: str


@dataclass(frozen=True)
class Apply(Node):
    """A function or a predicate of one or more arguments: `p m`."""

    function: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True)
class Unary(Node):
    """not, negative, or size (of a set)."""

    operator: str
    operand: Node


@dataclass(frozen=True)
class Binary(Node):
    """Two operands; the operators are those of `renderings.LEVELS`."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Sort(Node):
    """Nat, Int, Prop, Set, or a function: ("Nat", "Prop") is Nat -> Prop."""

    words: tuple[str, ...]


@dataclass(frozen=True)
class Bound(Node):
    """forall, exists, prod, sum or set (`{ m : Nat | p m }`); domain: a sort or a set."""

    kind: str
    name: str
    domain: Node
    body: Node


@dataclass(frozen=True)
class Listed(Node):
    """A finite set by its members: `{ 1 , 2 }`."""

    items: tuple[Node, ...]


@dataclass(frozen=True)
class Declare(Node):
    """`hyp p : Nat -> Prop.`: a name of some sort, of which nothing else is known."""

    name: str
    sort: Sort


@dataclass(frozen=True)
class State(Node):
    """`hyp q : formula.`: gives a statement a name. It is not assumed; the last one is the goal."""

    name: str
    claim: Node


@dataclass(frozen=True)
class Find(Node):
    """`find term.`: the goal is to show what number it is."""

    term: Node


@dataclass(frozen=True)
class Assume(Node):
    """`assume h : formula.`: given, or, inside a block, for as long as the block lasts."""

    name: str
    claim: Node


@dataclass(frozen=True)
class Let(Node):
    """`let x := term.`: an abbreviation."""

    name: str
    value: Node


@dataclass(frozen=True)
class Take(Node):
    """`let x : Nat.`: any x; what the block shows holds for all of them."""

    name: str
    sort: Sort


@dataclass(frozen=True)
class Step(Node):
    """`step reason => claim for name in domain.`; the reason and the range may be absent."""

    claim: Node
    reason: Node | None = None
    name: str | None = None
    domain: Node | None = None


@dataclass(frozen=True)
class Show(Node):
    """`show formula.`: what the block is for."""

    claim: Node


@dataclass(frozen=True)
class By(Node):
    """`by method.`: deduce, contra, cases or induct, for what stands above it."""

    method: str


@dataclass(frozen=True)
class Block(Node):
    """`{ ... } qed.`"""

    statements: tuple[Node, ...]


@dataclass(frozen=True)
class Text(Node):
    """A whole text: what is given, the goal, and the proof."""

    statements: tuple[Node, ...]


def children(node: Node) -> Iterator[Node]:
    """The nodes directly below `node`, in order."""
    for item in fields(node):
        value: Any = getattr(node, item.name, None)
        if isinstance(value, Node):
            yield value
        elif isinstance(value, tuple):
            yield from (child for child in value if isinstance(child, Node))


def walk(node: Node) -> Iterator[Node]:
    """`node` and everything below it."""
    yield node
    for child in children(node):
        yield from walk(child)


def conjunction(claims: list[Node]) -> Node:
    """All of `claims` (at least one) as one formula."""
    whole = claims[0]
    for claim in claims[1:]:
        whole = Binary("and", whole, claim)
    return whole

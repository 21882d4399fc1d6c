"""What is known at one place of a text: names, facts, doubts, and what a block has shown."""

from dataclasses import dataclass, field
from typing import Any

import z3

from partbench.symbolic import syntax
from partbench.symbolic.meaning import Meaningless, Names
from partbench.symbolic.refute import Answer
from partbench.symbolic.syntax import Node


@dataclass(frozen=True)
class Shown:
    """A claim that was shown; None where it was shown under assumptions that are no longer made.

    formula: all that was shown, assumptions included. refutes: by being impossible.
    """

    claim: Node | None
    formula: Any
    answer: Answer
    refutes: bool = False


@dataclass
class Scope:
    """What is known here.

    facts: valid claims and assumptions. background: what sorts say. doubts: claims that are not
    proved, with whether they are exact. all_exact: nothing in the facts was left unknown.
    assumed, taken, witnesses: what this block has brought. cases: (assumption, claim, what the
    block showed) of each block inside it that makes one assumption.
    """

    names: Names = field(default_factory=dict)
    facts: list[Any] = field(default_factory=list)
    background: list[Any] = field(default_factory=list)
    doubts: list[tuple[Any, bool]] = field(default_factory=list)
    all_exact: bool = True
    assumed: list[tuple[Node, Any]] = field(default_factory=list)
    taken: list[tuple[Any, list[Any]]] = field(default_factory=list)
    witnesses: list[Any] = field(default_factory=list)
    cases: list[tuple[Any, Node | None, Any]] = field(default_factory=list)
    shown: Shown | None = None
    outer: "Scope | None" = None

    @property
    def exact(self) -> bool:
        """Whether a counter-example to what is known here is one."""
        return self.all_exact and all(exact for _, exact in self.doubts)

    def free(self, name: str) -> None:
        """Meaningless where `name` is taken."""
        if name in self.names:
            raise Meaningless(f"`{name}` means something else already; choose another name")

    def add(self, fact: Any, exact: bool) -> None:
        """One more fact."""
        self.facts.append(fact)
        self.all_exact = self.all_exact and exact

    def inside(self) -> "Scope":
        """The scope of a block within this one."""
        return Scope(
            names=dict(self.names),
            facts=list(self.facts),
            background=list(self.background),
            doubts=list(self.doubts),
            all_exact=self.all_exact,
            outer=self,
        )

    def result(self, shown: Shown) -> Shown:
        """What a block with this scope shows to the outside."""
        given = [formula for _, formula in self.assumed]
        claim = None if given or self.taken else shown.claim
        if shown.refutes:
            formula = z3.Not(z3.And(given))
            claim = _opposite(self.assumed[0][0]) if len(given) == 1 and not self.taken else None
        else:
            formula = z3.Implies(z3.And(given), shown.formula) if given else shown.formula
        for variable, known in reversed(self.taken):
            formula = z3.ForAll([variable], z3.Implies(z3.And(known), formula))
        return Shown(claim, formula, shown.answer)


def _opposite(claim: Node) -> Node:
    if isinstance(claim, syntax.Unary) and claim.operator == "not":
        return claim.operand
    return syntax.Unary("not", claim)

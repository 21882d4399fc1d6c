"""One obligation: does a claim follow from facts? The claim is negated and z3 tries to refute it.

    valid      facts and not-claim have no model
    invalid    they have one, and nothing in them was left unknown
    unproved   all else: no answer within the limits, or a model that need not be one

Limits are of z3's own resource count, the same on every machine; the clock is only a last resort.
Source: de Moura and Bjoerner 2008, "Z3: an efficient SMT solver".
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import z3

from partbench.symbolic.meaning import UNKNOWN

VALID, INVALID, UNPROVED = "valid", "invalid", "unproved"
WORST = (VALID, UNPROVED, INVALID)
RESOURCES = 400_000
MILLISECONDS = 10_000


class Answer(NamedTuple):
    """What became of an obligation, and why where it is not valid."""

    status: str
    reason: str = ""


def follows(
    claim: Any,
    facts: list[Any],
    background: list[Any],
    *,
    near: bool = False,
    doubts: list[Any] | None = None,
    exact: bool = True,
) -> Answer:
    """Whether `claim` follows from `facts` and `background` (what sorts say of their names).

    near: only from facts that share a name with the claim, and from facts about none but the names
    of those. doubts: claims made before that are not proved; a counter-example must agree with
    them. exact: whether a counter-example counts.
    """
    used = neighbours(claim, facts) if near else facts
    found = _refute([*background, *used, z3.Not(claim)])
    if found == z3.unsat:
        return Answer(VALID)
    if len(used) < len(facts):
        if found == z3.unknown:
            return Answer(UNPROVED, "no answer within the limits")
        found = _refute([*background, *facts, z3.Not(claim)])
        if found == z3.unsat:
            return Answer(UNPROVED, "too far a leap; say what lies between")
    if found == z3.sat and exact and doubts:
        found = _refute([*background, *facts, *doubts, z3.Not(claim)])
        exact = found == z3.sat
    if found == z3.unknown:
        return Answer(UNPROVED, "no answer within the limits")
    if exact:
        return Answer(INVALID, "there is a counter-example")
    return Answer(UNPROVED, "it does not follow from what is proved above")


def _refute(formulas: list[Any]) -> Any:
    """unsat, sat or unknown. First by instances of what stands there, which is quick or nothing."""
    quantified = any(z3.is_quantifier(node) for formula in formulas for node in _parts(formula))
    for models in (False, True) if quantified else (True,):
        solver = z3.SimpleSolver()
        solver.set(timeout=MILLISECONDS, rlimit=RESOURCES)
        solver.set("smt.mbqi", models)
        solver.add(*formulas)
        found = solver.check()
        if found == z3.unsat:
            break
    return found


def neighbours(claim: Any, facts: list[Any]) -> list[Any]:
    """The facts that a step to `claim` may rest on when it has to be a short one."""
    own = names(claim)
    facts_names = [names(fact) for fact in facts]
    near = own.union(*(found for found in facts_names if found & own))
    return [fact for fact, found in zip(facts, facts_names, strict=True) if found <= near]


def names(expression: Any) -> frozenset[str]:
    """The names in a z3 expression, those that quantifiers bring left out."""
    return frozenset(
        node.decl().name()
        for node in _parts(expression)
        if z3.is_app(node) and node.decl().kind() == z3.Z3_OP_UNINTERPRETED
    )


def mentions(expression: Any, constants: list[Any]) -> bool:
    """Whether any of `constants` occurs in a z3 expression."""
    wanted = {constant.get_id() for constant in constants}
    return any(node.get_id() in wanted for node in _parts(expression))


def leaves_unknown(expression: Any) -> bool:
    """Whether an unknown product, sum or size occurs in a z3 expression."""
    return any(
        z3.is_app(node) and node.decl().name().startswith(UNKNOWN) for node in _parts(expression)
    )


def _parts(expression: Any) -> Iterator[Any]:
    waiting, seen = [expression], set()
    while waiting:
        node = waiting.pop()
        if node.get_id() not in seen:
            seen.add(node.get_id())
            yield node
            waiting += node.children()

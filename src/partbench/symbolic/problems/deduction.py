"""Propositional deduction: forward, by contradiction, by cases."""

from partbench.symbolic import syntax
from partbench.symbolic.problems.problem import (
    Fresh,
    Problem,
    Random,
    given,
    opposite,
    pick,
    proof,
    shuffled,
)
from partbench.symbolic.syntax import Binary, Name, Node

Made = tuple[list[Node], Node, syntax.Block, list[Node]]
"""Facts, goal, proof, and the literals that a model must decide."""

RULES = ("imply", "both", "either", "tollens", "iff", "unpack")


def deduction(random: Random, difficulty: int) -> Problem:
    """A chain of `difficulty` + 1 inferences, with facts that do not matter strewn in."""
    fresh = Fresh(random)
    style = pick(random, ("forward", "forward", "forward", "contra", "cases"))
    make = {"forward": _forward, "contra": _contra, "cases": _cases}[style]
    facts, goal, block, literals = make(random, fresh, difficulty)
    # Derived literals hold; by contradiction, every link of the chain fails.
    truth = {_atom(claim): isinstance(claim, Name) != (style == "contra") for claim in literals}
    for _ in range(int(random.integers(difficulty + 1))):
        unknown = fresh.small()
        truth[unknown] = False
        facts.append(Binary("implies", Name(unknown), _literal(random, pick(random, list(truth)))))
    sorts = dict.fromkeys(shuffled(random, list(truth)), "Prop")
    return Problem("deduction", given(random, fresh, sorts, facts, goal), block, truth)


def _literal(random: Random, name: str) -> Node:
    return syntax.Unary("not", Name(name)) if random.random() < 0.25 else Name(name)


def _atom(literal: Node) -> str:
    inner = literal.operand if isinstance(literal, syntax.Unary) else literal
    assert isinstance(inner, Name)
    return inner.name


def _forward(random: Random, fresh: Fresh, difficulty: int) -> Made:
    first = _literal(random, fresh.small())
    known, facts = [first], [first]
    also: list[Node] = []
    parents: dict[Node, list[Node]] = {first: []}
    for _ in range(difficulty + 1):
        old = known[-1] if random.random() < 0.7 else pick(random, known)
        rule = pick(random, RULES)
        new = _literal(random, fresh.small())
        parents[new] = [old]
        if rule == "both" and len(known) > 1:
            other = pick(random, [claim for claim in known if claim != old])
            parents[new].append(other)
            facts.append(Binary("implies", Binary("and", old, other), new))
        elif rule == "either":
            facts.append(Binary("or", opposite(old), new))
        elif rule == "tollens":
            facts.append(Binary("implies", opposite(new), opposite(old)))
        elif rule == "iff":
            facts.append(Binary("iff", old, new))
        elif rule == "unpack":
            also.append(Name(fresh.small()))
            facts.append(Binary("implies", old, Binary("and", new, also[-1])))
        else:
            facts.append(Binary("implies", old, new))
        known.append(new)
    needed, waiting = set(), [known[-1]]
    while waiting:
        claim = waiting.pop()
        needed.add(claim)
        waiting += parents[claim]
    steps = [claim for claim in known[1:-1] if claim in needed]
    return facts, known[-1], proof(steps, known[-1]), [*known, *also]


def _chain(random: Random, fresh: Fresh, first: Node, steps: int) -> tuple[list[Node], list[Node]]:
    """Implications that lead on from `first`, and what they lead to."""
    facts: list[Node] = []
    claims: list[Node] = []
    for _ in range(steps):
        new = _literal(random, fresh.small())
        facts.append(Binary("implies", first, new))
        claims.append(new)
        first = new
    return facts, claims


def _contra(random: Random, fresh: Fresh, difficulty: int) -> Made:
    first = _literal(random, fresh.small())
    facts, claims = _chain(random, fresh, first, difficulty + 1)
    last = claims[-1]
    facts.append(opposite(last))
    shown = Binary("and", last, opposite(last))
    block = proof([syntax.Assume("k1", first), *claims], shown, "contra")
    return facts, opposite(first), block, [first, *claims]


def _cases(random: Random, fresh: Fresh, difficulty: int) -> Made:
    goal = _literal(random, fresh.small())
    sides = [_literal(random, fresh.small()) for _ in range(2)]
    facts: list[Node] = [Binary("or", sides[0], sides[1])]
    blocks: list[Node] = []
    literals = [goal, *sides]
    for number, side in enumerate(sides):
        between, claims = _chain(random, fresh, side, (difficulty + number) // 2)
        literals += claims
        facts += [*between, Binary("implies", ([side, *claims])[-1], goal)]
        blocks.append(proof([syntax.Assume(f"k{number + 1}", side), *claims], goal))
    return facts, goal, proof(blocks, goal, "cases"), literals

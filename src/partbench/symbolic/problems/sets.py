"""Finite sets and bounded quantifiers: from one membership to another."""

from partbench.symbolic.problems.problem import (
    Fresh,
    Problem,
    Random,
    equal,
    given,
    pick,
    proof,
    shuffled,
)
from partbench.symbolic.syntax import Binary, Bound, Listed, Name, Node, Number, Sort

UNIVERSE = 12


def sets(random: Random, difficulty: int) -> Problem:
    """`difficulty` + 1 memberships of one number, each from those before it."""
    fresh = Fresh(random)
    element = fresh.small()
    value = int(random.integers(1, UNIVERSE))
    first = fresh.large()
    model: dict[str, frozenset[int]] = {first: _some(random, value)}
    inside = [first]
    steps: list[Node] = []
    if random.random() < 0.5:
        facts: list[Node] = [Binary("in", Name(element), Name(first))]
    else:
        items = tuple(Number(item) for item in shuffled(random, sorted(model[first])))
        facts = [equal(Name(element), value), equal(Name(first), Listed(items))]
        steps.append(Binary("in", Name(element), Name(first)))
    for _ in range(difficulty + 1):
        old = inside[-1] if random.random() < 0.8 else pick(random, inside)
        new, fact, members = _rule(random, fresh, old, inside, model)
        model |= members
        facts.append(fact)
        inside.append(new)
        steps.append(Binary("in", Name(element), Name(new)))
    sorts = {element: "Nat"} | dict.fromkeys(shuffled(random, list(model)), "Set")
    everything = given(random, fresh, sorts, facts, steps[-1])
    return Problem("sets", everything, proof(steps[:-1], steps[-1]), {element: value} | model)


def _rule(
    random: Random, fresh: Fresh, old: str, inside: list[str], model: dict[str, frozenset[int]]
) -> tuple[str, Node, dict[str, frozenset[int]]]:
    """A new set that must hold the number, the fact that says so, and the members of new sets."""
    new, more = fresh.large(), _some(random)
    rule = pick(random, ("subset", "every", "cap", "cup", "both"))
    if rule == "subset":
        return new, Binary("subset", Name(old), Name(new)), {new: model[old] | more}
    if rule == "every":
        name = fresh.small()
        body = Binary("in", Name(name), Name(new))
        if random.random() < 0.5:
            fact: Node = Bound("forall", name, Name(old), body)
        else:
            here = Binary("in", Name(name), Name(old))
            fact = Bound("forall", name, Sort(("Nat",)), Binary("implies", here, body))
        return new, fact, {new: model[old] | more}
    other = fresh.large()
    if rule == "cap":
        wider = model[old] | _some(random)
        members = {new: model[old] | (more - wider), other: wider}
        return new, equal(Name(old), Binary("cap", Name(new), Name(other))), members
    if rule == "both" and len(inside) > 1:
        third = pick(random, [name for name in inside if name != old])
        fact = Binary("subset", Binary("cap", Name(old), Name(third)), Name(new))
        return new, fact, {new: (model[old] & model[third]) | more}
    joined = model[old] | more
    fact = Binary("subset", Binary("cup", Name(old), Name(other)), Name(new))
    return new, fact, {other: more, new: joined | _some(random)}


def _some(random: Random, *wanted: int) -> frozenset[int]:
    """A few numbers of the universe, those that are wanted among them."""
    drawn = random.integers(1, UNIVERSE, size=int(random.integers(1, 4)))
    return frozenset(int(item) for item in drawn) | frozenset(wanted)

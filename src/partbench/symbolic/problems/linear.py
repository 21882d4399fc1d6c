"""Chains of integer equations: each variable by those before it, the last one is asked for."""

from partbench.symbolic import syntax
from partbench.symbolic.problems.problem import (
    Fresh,
    Problem,
    Random,
    equal,
    given,
    number,
    pick,
    plus,
    proof,
    shuffled,
    times,
)
from partbench.symbolic.syntax import Binary, Name, Node

LARGEST = 200
"""No value is further from 0."""


def linear(random: Random, difficulty: int) -> Problem:
    """`difficulty` + 1 equations after the first; some may not matter."""
    fresh = Fresh(random)
    names = [fresh.small()]
    values = {names[0]: int(random.integers(1, 20))}
    facts = [equal(Name(names[0]), values[names[0]])]
    parents: dict[str, tuple[str, ...]] = {names[0]: ()}
    while len(names) < difficulty + 2:
        one = names[-1] if random.random() < 0.7 else pick(random, names)
        two, count = pick(random, names), int(random.integers(1, 20))
        value, term, used = _equation(random, one, two, count, values)
        if abs(value) > LARGEST:
            continue
        name = fresh.small()
        names.append(name)
        values[name], parents[name] = value, used
        facts.append(equal(Name(name), term))
    needed, waiting = set(), [names[-1]]
    while waiting:
        name = waiting.pop()
        needed.add(name)
        waiting += parents[name]
    steps = [equal(Name(name), values[name]) for name in names[1:-1] if name in needed]
    goal = syntax.Find(Name(names[-1]))
    block = proof(steps, equal(Name(names[-1]), values[names[-1]]))
    sorts = dict.fromkeys(shuffled(random, names), "Int")
    return Problem("linear", given(random, fresh, sorts, facts, goal), block, dict(values))


def _equation(
    random: Random, one: str, two: str, count: int, values: dict[str, int]
) -> tuple[int, Node, tuple[str, ...]]:
    """The value, the term and the variables of a right-hand side."""
    x, y = values[one], values[two]
    match pick(random, ("add", "less", "times", "sum", "difference")):
        case "add":
            return x + count, plus(Name(one), count), (one,)
        case "less":
            return x - count, Binary("minus", Name(one), number(count)), (one,)
        case "times":
            few = 2 + count % 4
            return few * x, times(few, Name(one)), (one,)
        case "sum":
            return x + y, plus(Name(one), Name(two)), (one, two)
        case _:
            return x - y, Binary("minus", Name(one), Name(two)), (one, two)

"""Arithmetic with remainders: what is known modulo m, carried through sums and products."""

from partbench.symbolic import syntax
from partbench.symbolic.problems.problem import (
    Fresh,
    Problem,
    Random,
    equal,
    given,
    pick,
    plus,
    proof,
    times,
)
from partbench.symbolic.syntax import Binary, Name, Node, Number


def modular(random: Random, difficulty: int) -> Problem:
    """A remainder through `difficulty` + 1 operations; each step gives that of one more."""
    fresh = Fresh(random)
    base = int(random.integers(3, 13))
    names, residues, facts = [], {}, []

    def variable() -> str:
        name = fresh.small()
        names.append(name)
        residues[name] = int(random.integers(base))
        facts.append(equal(_remainder(Name(name), base), residues[name]))
        return name

    first = variable()
    term: Node = Name(first)
    value = residues[first]
    steps: list[Node] = []
    for _ in range(difficulty + 1):
        match pick(random, ("add", "count", "times")):
            case "add" if len(names) < 4:
                other = variable()
                term, value = plus(term, Name(other)), value + residues[other]
            case "times" if not steps or random.random() < 0.5:
                few = int(random.integers(2, 6))
                term, value = times(few, term), value * few
            case _:
                count = int(random.integers(1, 20))
                term, value = plus(term, count), value + count
        value %= base
        steps.append(equal(_remainder(term, base), value))
    model = {name: residues[name] + base * int(random.integers(6)) for name in names}
    goal = syntax.Find(_remainder(term, base))
    sorts = dict.fromkeys(names, "Nat")
    block = proof(steps[:-1], steps[-1])
    return Problem("modular", given(random, fresh, sorts, facts, goal), block, model)


def _remainder(term: Node, base: int) -> Node:
    return Binary("mod", term, Number(base))

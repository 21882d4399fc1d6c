"""Functions defined step by step: a closed form by induction, then a value far out."""

from collections.abc import Callable

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
    shuffled,
    times,
)
from partbench.symbolic.syntax import Apply, Binary, Bound, Name, Node, Number, Sort

FURTHEST = 30


def induction(random: Random, difficulty: int) -> Problem:
    """One or two functions, and `difficulty` - 1 equations that go on from their value."""
    fresh = Fresh(random)
    facts: list[Node] = []
    steps: list[Node] = []
    sorts: dict[str, str] = {}
    model: dict[str, Callable[[int], int] | int] = {}
    terms: list[tuple[Node, int]] = []
    for _ in range(2 if difficulty > 1 and random.random() < 0.5 else 1):
        name = fresh.small()
        term, value, shown, function = _function(random, fresh, name, facts)
        sorts[name], model[name] = "Nat Nat", function
        steps += [syntax.Show(shown), syntax.By("induct"), equal(term, value)]
        terms.append((term, value))
    term, value = terms[0]
    for other, more in terms[1:]:
        term, value = plus(term, other), value + more
        steps.append(equal(term, value))
    for _ in range(difficulty - 1):
        name, count = fresh.small(), int(random.integers(1, 20))
        if random.random() < 0.5:
            facts.append(equal(Name(name), plus(term, count)))
            value += count
        else:
            few = 2 + count % 3
            facts.append(equal(Name(name), times(few, term)))
            value *= few
        term = Name(name)
        sorts[name], model[name] = "Nat", value
        steps.append(equal(term, value))
    last = steps.pop()
    order = shuffled(random, list(sorts))
    everything = given(random, fresh, {n: sorts[n] for n in order}, facts, syntax.Find(term))
    return Problem("induction", everything, proof(steps, last), model)


def _function(
    random: Random, fresh: Fresh, name: str, facts: list[Node]
) -> tuple[Node, int, Node, Callable[[int], int]]:
    """A term with the function and its value, the claim about all n, and the function itself."""
    start, rate = int(random.integers(10)), int(random.integers(1, 8))
    n, far = fresh.small(), int(random.integers(5, FURTHEST))
    at_n = Apply(name, (Name(n),))
    next_one = Apply(name, (plus(Name(n), 1),))
    kind = pick(random, ("linear", "square", "remainder"))
    facts.append(equal(Apply(name, (Number(0),)), start))
    square = kind == "square"
    grown = plus(plus(at_n, times(2, Name(n))), 1) if square else plus(at_n, rate)
    facts.append(_for_all(n, equal(next_one, grown)))
    value = start + far * (far if square else rate)
    function = (lambda k: start + k * k) if square else (lambda k: start + k * rate)
    term: Node = Apply(name, (Number(far),))
    if kind == "remainder" and rate > 1:
        shown = equal(Binary("mod", at_n, Number(rate)), start % rate)
        return Binary("mod", term, Number(rate)), start % rate, _for_all(n, shown), function
    product = Binary("times", Name(n), Name(n)) if square else times(rate, Name(n))
    return term, value, _for_all(n, equal(at_n, plus(product, start))), function


def _for_all(name: str, body: Node) -> Node:
    return Bound("forall", name, Sort(("Nat",)), body)

"""Truth of a term in one model, by plain evaluation: no z3 and none of the checker's code.

Answers are True, False, or None where it cannot be known: beyond numbers of BOUND, or a name that
the model does not have. Logic with three values (Kleene), so False is always certain.
"""

from collections.abc import Callable, Iterator
from typing import Any

from partbench.symbolic import syntax
from partbench.symbolic.syntax import Node

BOUND = 40
World = dict[str, Any]


class UnknownError(Exception):
    """A value that cannot be known."""


def truth(claim: Node, world: World) -> bool | None:
    """Whether `claim` holds in `world`."""
    try:
        value = evaluate(claim, world)
    except UnknownError:
        return None
    return value if isinstance(value, bool) else None


def evaluate(term: Node, world: World) -> Any:
    """A number, a truth value, or a set as (condition, members or None)."""
    match term:
        case syntax.Number(value=value):
            return value
        case syntax.Name(name=name):
            return _known(world, name)
        case syntax.Apply(function=function, arguments=arguments):
            of = _known(world, function)
            values = [number(argument, world) for argument in arguments]
            if not callable(of) or len(values) != 1 or values[0] < 0:
                raise UnknownError
            return of(values[0])
        case syntax.Unary(operator="not", operand=operand):
            inner = truth(operand, world)
            return _or_unknown(None if inner is None else not inner)
        case syntax.Unary(operator="negative", operand=operand):
            return -number(operand, world)
        case syntax.Unary(operand=operand):
            return len(_members(operand, world))
        case syntax.Listed(items=items):
            members = frozenset(number(item, world) for item in items)
            return members.__contains__, members
        case syntax.Bound(kind="set", name=name, body=body):
            return (lambda x: x >= 0 and truth(body, world | {name: x})), None
        case syntax.Bound(kind=kind) if kind in ("forall", "exists"):
            return _or_unknown(_quantified(term, world))
        case syntax.Bound(kind=kind, name=name, domain=domain, body=body):
            whole = 1 if kind == "prod" else 0
            for member in _members(domain, world):
                value = number(body, world | {name: member})
                whole = whole * value if kind == "prod" else whole + value
            return whole
        case syntax.Binary():
            return _binary(term, world)
    raise UnknownError


def number(term: Node, world: World) -> int:
    """The value of a term that is a number."""
    value = evaluate(term, world)
    if isinstance(value, bool) or not isinstance(value, int):
        raise UnknownError
    return value


def _known(world: World, name: str) -> Any:
    if name not in world:
        raise UnknownError
    value = world[name]
    if isinstance(value, syntax.Node):  # a statement's label
        return _or_unknown(truth(value, world))
    return (value.__contains__, value) if isinstance(value, frozenset) else value


def _or_unknown(value: bool | None) -> bool:
    if value is None:
        raise UnknownError
    return value


def _set(term: Node, world: World) -> tuple[Callable[[int], bool | None], frozenset[int] | None]:
    value = evaluate(term, world)
    if not isinstance(value, tuple):
        raise UnknownError
    return value


def _members(term: Node, world: World) -> frozenset[int]:
    members = _set(term, world)[1]
    if members is None:
        raise UnknownError
    return members


def domain(term: Node, world: World) -> tuple[Iterator[int], bool]:
    """What a quantifier ranges over, as far as it is looked at, and whether that is all of it."""
    if isinstance(term, syntax.Sort):
        low = 0 if term.words == ("Nat",) else -BOUND
        return iter(range(low, BOUND + 1)), False
    condition, members = _set(term, world)
    if members is not None:
        return iter(members), True
    return (x for x in range(BOUND + 1) if condition(x)), False


def _quantified(term: syntax.Bound, world: World) -> bool | None:
    values, whole = domain(term.domain, world)
    found = {truth(term.body, world | {term.name: value}) for value in values}
    decisive = term.kind == "exists"
    if decisive in found:
        return decisive
    return not decisive if whole and None not in found else None


def _binary(term: syntax.Binary, world: World) -> Any:
    operator = term.operator
    if operator in ("and", "or", "implies", "iff"):
        return _or_unknown(_connected(operator, truth(term.left, world), truth(term.right, world)))
    if operator in ("in", "notin"):
        inside = _set(term.right, world)[0](number(term.left, world))
        return _or_unknown(inside) == (operator == "in")
    if operator in ("cup", "cap", "subset"):
        one, two = _members(term.left, world), _members(term.right, world)
        if operator == "subset":
            return one <= two
        both = one | two if operator == "cup" else one & two
        return both.__contains__, both
    if operator in ("eq", "ne"):
        left, right = evaluate(term.left, world), evaluate(term.right, world)
        if isinstance(left, tuple) and isinstance(right, tuple):
            left, right = _members(term.left, world), _members(term.right, world)
        if type(left) is not type(right):
            raise UnknownError
        return (left == right) == (operator == "eq")
    return _arithmetic(operator, number(term.left, world), number(term.right, world))


def _connected(operator: str, a: bool | None, b: bool | None) -> bool | None:
    if operator == "implies":
        a, operator = (None if a is None else not a), "or"
    if operator == "iff":
        return None if a is None or b is None else a == b
    decisive = operator == "or"
    if a is decisive or b is decisive:
        return decisive
    return None if a is None or b is None else not decisive


def _arithmetic(operator: str, a: int, b: int) -> int | bool:
    match operator:
        case "plus":
            return a + b
        case "minus":
            return a - b
        case "times":
            return a * b
        case "mod" | "div" if b == 0:
            raise UnknownError
        case "mod":
            return a % abs(b)
        case "div":
            return (a - a % abs(b)) // b
        case "divides":
            return b == 0 if a == 0 else b % a == 0
    return {"lt": a < b, "gt": a > b, "le": a <= b, "ge": a >= b}[operator]

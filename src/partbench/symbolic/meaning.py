"""What a term means, as a z3 expression.

    Nat, Int          integers (Nat: not negative); Prop: Booleans; a function: an unknown function
    a set             the condition on its members; a listed one is exact in membership, size, prod
    a mod b, a div b  Euclid's: 0 <= a mod b < |b|; unspecified for b = 0
    a | b             b = 0 where a = 0, else b mod a = 0
    prod, sum, size   of a set that is not listed: an unknown function of what it names. Then
                      `exact` is False: what follows is still right, a counter-example need not be.

Every unknown stands for all its possible values, so a refutation here is one everywhere.
Source: the semantics of SMT-LIB's theory Ints (Euclidean division).
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

import z3

from partbench.symbolic import syntax
from partbench.symbolic.printer import write
from partbench.symbolic.syntax import Node, walk

Condition = Callable[[Any], Any]
UNKNOWN = "unknown!"
"""How the names of what is left unknown begin; no word of the language has such a sign."""


class Meaningless(Exception):
    """A term that says nothing, such as `x /\\ 3`; the message says why."""


@dataclass(frozen=True)
class Value:
    """What a name or a term stands for.

    kind: "number", "statement", "set" or "function". of: the z3 expression, the set's condition on
    a member, or the z3 function. items: the members of a listed set. serial: unique to a
    declaration. bound: whether a quantifier brought it. exact: nothing in it was left unknown.
    """

    kind: str
    of: Any
    items: tuple[Any, ...] | None = None
    sort: syntax.Sort | None = None
    serial: int = 0
    bound: bool = False
    exact: bool = True


Names = dict[str, Value]
_serial = count(1)


class Meaning:
    """Turns terms into z3 under some names. exact: nothing met so far was left unknown."""

    def __init__(self) -> None:
        self.exact = True
        self.unknown: dict[tuple[Any, ...], Any] = {}

    def declare(self, name: str, sort: syntax.Sort) -> tuple[Value, list[Any]]:
        """A new unknown of `sort`, and what is known of it from its sort alone."""
        serial = next(_serial)
        fresh = f"{name}!{serial}"
        *arguments, result = sort.words
        if arguments:
            if not set(arguments) <= {"Nat", "Int"} or result == "Set":
                raise Meaningless("a function takes numbers and gives a number or a statement")
            kinds = [z3.IntSort()] * len(arguments)
            of = z3.Function(fresh, *kinds, z3.BoolSort() if result == "Prop" else z3.IntSort())
            return Value("function", of, sort=sort, serial=serial), []
        if result == "Prop":
            return Value("statement", z3.Bool(fresh), serial=serial), []
        if result == "Set":
            member = z3.Function(fresh, z3.IntSort(), z3.BoolSort())
            return Value("set", lambda x: z3.And(x >= 0, member(x)), serial=serial), []
        number = z3.Int(fresh)
        facts = [number >= 0] if result == "Nat" else []
        return Value("number", number, serial=serial), facts

    def define(self, term: Node, names: Names) -> Value:
        """What `let name := term` makes of its name."""
        before, self.exact = self.exact, True
        value = self.value(term, names)
        if value.kind == "function":
            raise Meaningless("a function needs its arguments")
        exact, self.exact = self.exact, self.exact and before
        return Value(value.kind, value.of, value.items, serial=next(_serial), exact=exact)

    def number(self, term: Node, names: Names) -> Any:
        """`term` as a z3 integer."""
        return self._as("number", term, names).of

    def statement(self, term: Node, names: Names) -> Any:
        """`term` as a z3 Boolean."""
        return self._as("statement", term, names).of

    def range(self, domain: Node, names: Names) -> tuple[Condition, tuple[Any, ...] | None]:
        """The condition on a member of a sort or set, and its members where they are listed."""
        if isinstance(domain, syntax.Sort):
            if domain.words == ("Nat",):
                return (lambda x: x >= 0), None
            if domain.words == ("Int",):
                return (lambda x: z3.BoolVal(True)), None
            raise Meaningless(f"nothing ranges over {write(domain)}; over Nat, Int or a set")
        found = self._as("set", domain, names)
        return found.of, found.items

    def _as(self, kind: str, term: Node, names: Names) -> Value:
        value = self.value(term, names)
        if value.kind != kind:
            raise Meaningless(f"`{write(term)}` is a {value.kind}, where a {kind} is wanted")
        return value

    def value(self, term: Node, names: Names) -> Value:
        """What `term` stands for; Meaningless where it stands for nothing."""
        match term:
            case syntax.Number(value=value):
                return Value("number", z3.IntVal(value))
            case syntax.Name(name=name):
                if name not in names:
                    raise Meaningless(f"`{name}` is not known here")
                self.exact = self.exact and names[name].exact
                return names[name]
            case syntax.Apply():
                return self._apply(term, names)
            case syntax.Unary(operator="not", operand=operand):
                return Value("statement", z3.Not(self.statement(operand, names)))
            case syntax.Unary(operator="negative", operand=operand):
                return Value("number", -self.number(operand, names))
            case syntax.Unary(operand=operand):
                return Value("number", self._size(term, operand, names))
            case syntax.Binary():
                return self._binary(term, names)
            case syntax.Listed(items=items):
                members = tuple(self.number(item, names) for item in items)
                return Value("set", lambda x: z3.Or([x == m for m in members]), members)
            case syntax.Bound(kind="set"):
                return self._builder(term, names)
            case syntax.Bound(kind=kind) if kind in ("forall", "exists"):
                return self._quantified(term, names)
            case syntax.Bound():
                return Value("number", self._fold(term, names))
        raise Meaningless(f"`{write(term)}` is no term")

    def _apply(self, term: syntax.Apply, names: Names) -> Value:
        known = names.get(term.function)
        if known is None or known.kind != "function":
            raise Meaningless(f"`{term.function}` is no function here")
        assert known.sort is not None
        if len(known.sort.words) != len(term.arguments) + 1:
            raise Meaningless(f"`{term.function}` takes {len(known.sort.words) - 1} arguments")
        result = known.of(*(self.number(argument, names) for argument in term.arguments))
        if known.sort.words[-1] == "Prop":
            return Value("statement", result)
        # Any function to the naturals is the absolute value of one to the integers.
        return Value("number", _absolute(result) if known.sort.words[-1] == "Nat" else result)

    def _binary(self, term: syntax.Binary, names: Names) -> Value:
        operator, left, right = term.operator, term.left, term.right
        if operator in CONNECTIVES:
            both = self.statement(left, names), self.statement(right, names)
            return Value("statement", CONNECTIVES[operator](*both))
        if operator in ("in", "notin"):
            inside = self._as("set", right, names).of(self.number(left, names))
            return Value("statement", inside if operator == "in" else z3.Not(inside))
        if operator in ("eq", "ne"):
            same = self._equal(self.value(left, names), self.value(right, names), term)
            return Value("statement", same if operator == "eq" else z3.Not(same))
        if operator in ("cup", "cap", "subset"):
            one, two = self._as("set", left, names), self._as("set", right, names)
            if operator == "subset":
                return Value("statement", _every(lambda x: z3.Implies(one.of(x), two.of(x))))
            if operator == "cap":
                return Value("set", lambda x: z3.And(one.of(x), two.of(x)))
            listed = one.items is not None and two.items is not None
            items = (one.items or ()) + (two.items or ()) if listed else None
            return Value("set", lambda x: z3.Or(one.of(x), two.of(x)), items)
        numbers = self.number(left, names), self.number(right, names)
        kind = "number" if operator in ARITHMETIC else "statement"
        return Value(kind, (ARITHMETIC | RELATIONS)[operator](*numbers))

    def _equal(self, left: Value, right: Value, term: Node) -> Any:
        if left.kind != right.kind or left.kind == "function":
            raise Meaningless(f"`{write(term)}` compares a {left.kind} with a {right.kind}")
        if left.kind == "set":
            return _every(lambda x: left.of(x) == right.of(x))
        return left.of == right.of

    def _bind(self, term: syntax.Bound, names: Names) -> tuple[Any, Names]:
        variable = z3.Int(f"{term.name}!{next(_serial)}")
        return variable, names | {term.name: Value("number", variable, bound=True)}

    def _builder(self, term: syntax.Bound, names: Names) -> Value:
        within, _ = self.range(term.domain, names)
        variable, inner = self._bind(term, names)
        body = self.statement(term.body, inner)
        return Value("set", lambda x: z3.And(within(x), z3.substitute(body, (variable, x))))

    def _quantified(self, term: syntax.Bound, names: Names) -> Value:
        within, items = self.range(term.domain, names)
        variable, inner = self._bind(term, names)
        body = self.statement(term.body, inner)
        every = term.kind == "forall"
        if items is not None:  # finitely many: no quantifier
            each = [z3.substitute(body, (variable, item)) for item in items]
            return Value("statement", z3.And(each) if every else z3.Or(each))
        if every:
            return Value("statement", z3.ForAll([variable], z3.Implies(within(variable), body)))
        return Value("statement", z3.Exists([variable], z3.And(within(variable), body)))

    def _fold(self, term: syntax.Bound, names: Names) -> Any:
        _, items = self.range(term.domain, names)
        variable, inner = self._bind(term, names)
        body = self.number(term.body, inner)
        if items is None:
            return self._unknown(term, names)
        neutral = 1 if term.kind == "prod" else 0
        whole: Any = z3.IntVal(neutral)
        for place, item in enumerate(items):
            here = z3.substitute(body, (variable, item))
            once = z3.If(z3.Or([item == other for other in items[:place]]), neutral, here)
            whole = whole * once if term.kind == "prod" else whole + once
        return whole

    def _size(self, term: Node, operand: Node, names: Names) -> Any:
        items = self._as("set", operand, names).items
        if items is None:
            return _absolute(self._unknown(term, names))
        different = [
            z3.If(z3.Or([item == other for other in items[:place]]), 0, 1)
            for place, item in enumerate(items)
        ]
        return z3.Sum(different)

    def _unknown(self, term: Node, names: Names) -> Any:
        """An unknown number that depends on what `term` names, and is the same for the same."""
        self.exact = False
        own = {node.name for node in walk(term) if isinstance(node, syntax.Name)}
        own |= {node.function for node in walk(term) if isinstance(node, syntax.Apply)}
        used = sorted(name for name in own if name in names)
        bound = [name for name in used if names[name].bound]
        free = ((name, names[name].serial) for name in used if name not in bound)
        key = (write(term), tuple(bound), *free)
        if key not in self.unknown:
            kinds = [z3.IntSort()] * len(bound)
            self.unknown[key] = z3.Function(f"{UNKNOWN}{next(_serial)}", *kinds, z3.IntSort())
        return self.unknown[key](*(names[name].of for name in bound))


def _absolute(number: Any) -> Any:
    return z3.If(number >= 0, number, -number)


def _every(condition: Condition) -> Any:
    """The condition for all natural numbers and all integers: sets hold only such."""
    member = z3.Int(f"member!{next(_serial)}")
    return z3.ForAll([member], condition(member))


def _divides(a: Any, b: Any) -> Any:
    return z3.If(a == 0, b == 0, b % a == 0)


CONNECTIVES: dict[str, Callable[..., Any]] = {
    "and": lambda a, b: z3.And(a, b),
    "or": lambda a, b: z3.Or(a, b),
    "implies": lambda a, b: z3.Implies(a, b),
    "iff": lambda a, b: a == b,
}
ARITHMETIC: dict[str, Callable[..., Any]] = {
    "plus": lambda a, b: a + b,
    "minus": lambda a, b: a - b,
    "times": lambda a, b: a * b,
    "mod": lambda a, b: a % b,
    "div": lambda a, b: a / b,
}
RELATIONS: dict[str, Callable[..., Any]] = {
    "lt": lambda a, b: a < b,
    "gt": lambda a, b: a > b,
    "le": lambda a, b: a <= b,
    "ge": lambda a, b: a >= b,
    "divides": _divides,
}

"""Column arithmetic, digit by digit with what is carried: + and - of numbers, * by one digit."""

from partbench.symbolic import syntax
from partbench.symbolic.problems.problem import Problem, Random, equal, number, pick, proof
from partbench.symbolic.syntax import Binary, Node


def column(random: Random, difficulty: int) -> Problem:
    """Numbers of up to `difficulty` + 1 digits; a step a column, from the right."""
    kind = pick(random, ("plus", "plus", "minus", "times"))
    left = _drawn(random, difficulty + 1)
    right = int(random.integers(2, 10)) if kind == "times" else _drawn(random, difficulty + 1)
    if kind == "minus":
        left, right = max(left, right), min(left, right)
    steps, result = columns(kind, left, right)
    whole = Binary(kind, number(left), number(right))
    block = proof([step for step, _ in steps], equal(whole, result))
    return Problem("column", (syntax.Find(whole),), block, {})


def _drawn(random: Random, most: int) -> int:
    digits = int(random.integers(max(1, most - 1), most + 1))
    return int(random.integers(10 ** (digits - 1), 10**digits))


def columns(kind: str, left: int, right: int) -> tuple[list[tuple[Node, int]], int]:
    """The steps of a sum, a difference (left >= right) or a product with one digit, and the result.

    Each step comes with what is carried into its column: 0, or the carry, or the borrow.
    """
    ones, twos = _digits(left), _digits(right)
    steps: list[tuple[Node, int]] = []
    carry = 0
    for place, a in enumerate(ones if len(ones) >= len(twos) else twos):
        if kind == "times":
            term, value = Binary("times", number(a), number(right)), a * right + carry
        else:
            a = ones[place] if place < len(ones) else 0
            b = twos[place] if place < len(twos) else 0
            borrow = 10 if kind == "minus" and a < b + carry else 0
            value = a + b + carry if kind == "plus" else a + borrow - b - carry
            term = Binary(kind, number(a + borrow), number(b))
        if carry:
            term = Binary("minus" if kind == "minus" else "plus", term, number(carry))
        steps.append((equal(term, value), carry))
        carry = value // 10 if kind != "minus" else borrow // 10
    result = {"plus": left + right, "minus": left - right, "times": left * right}[kind]
    return steps, result


def _digits(value: int) -> list[int]:
    """Decimal digits, the last one first."""
    return [int(digit) for digit in reversed(str(value))]

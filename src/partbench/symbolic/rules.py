"""Rules about the form of a text, before any meaning is asked for."""

from typing import TypeGuard

from partbench.symbolic import syntax
from partbench.symbolic.refute import INVALID, Answer
from partbench.symbolic.syntax import Node


def answers(claim: Node | None, term: Node) -> TypeGuard[Node]:
    """Whether a claim is `term = number`."""
    if not (isinstance(claim, syntax.Binary) and claim.operator == "eq" and claim.left == term):
        return False
    right = claim.right
    if isinstance(right, syntax.Unary) and right.operator == "negative":
        right = right.operand
    return isinstance(right, syntax.Number)


def justifies(method: str, before: Node | None) -> Answer | None:
    """A `by` must stand after what it is for; what that is worth was said there."""
    if not isinstance(before, syntax.Step | syntax.Show):
        return Answer(INVALID, "there is nothing above that it could be for")
    if method != "deduce" and not isinstance(before, syntax.Show):
        return Answer(INVALID, f"by {method} is for a `show`")
    return None

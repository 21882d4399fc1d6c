"""What is said of a claim in a line: where it stands, its effect with interval, scale and cost."""

import math
from typing import Any

from partbench.claims.claim import Check, Claim
from partbench.claims.status import FAILED, HELD, OPEN, REFUTED, SUPPORTED, UNTESTABLE
from partbench.report import quantities

Tree = dict[str, Any]


def standing(claim: Claim, told: Tree) -> str:
    """The status in plain words; open says why, and not testable here what was tested instead."""
    if told["status"] == UNTESTABLE:
        came_out = _why_open(claim, told, told["tested"] or OPEN)
        return f"{UNTESTABLE}; instead {claim.instead}: {came_out}"
    return _why_open(claim, told, told["status"])


def _why_open(claim: Claim, told: Tree, status: str) -> str:
    if status != OPEN:
        return status
    if not told["recorded"]:
        return f"{OPEN}: not run yet"
    if told["missing"]:
        return f"{OPEN}: only part of it has run"
    rows = zip(claim.test, told["tests"], strict=True)
    undecided = [row for test, row in rows if test.role != "beside" and row["outcome"] == OPEN]
    reasons = [row["reason"] for row in undecided if row["reason"]]
    if reasons:
        return f"{OPEN}: {reasons[0]}"
    if all(row["low"] is None for row in undecided):
        return f"{OPEN}: one number without an interval decides nothing"
    return f"{OPEN}: below the resolution of this scale"


def deciding(claim: Claim, told: Tree) -> int | None:
    """The place of the test that the status rests on; None where nothing was measured.

    Refuted: the first that fails. Supported: the first. Open: the first undecided one with a
    number, else the first with one.
    """
    rows = list(enumerate(zip(claim.test, told["tests"], strict=True)))
    asked = [(i, row) for i, (test, row) in rows if test.role != "beside"]
    known = [(i, row) for i, row in asked if row["value"] is not None]
    wanted = {REFUTED: FAILED, SUPPORTED: HELD}.get(told["tested"], OPEN)
    return next((i for i, row in known if row["outcome"] == wanted), known[0][0] if known else None)


def effect(claim: Claim, told: Tree) -> str:
    """The deciding test in its words, its number with interval, and how it came out; or a dash."""
    place = deciding(claim, told)
    if place is None:
        return quantities.MISSING
    test, found = claim.test[place], told["tests"][place]
    return f"{test.says}: {number(test, found)}: {found['outcome']}"


def number(test: Check, found: Tree) -> str:
    """A test's number with its interval, unit and pairs."""
    if found["value"] is None:
        return found["reason"] or quantities.MISSING
    digits = _digits(found)
    signed = not (found["unit"].startswith(("ratio", "times")) or (test.value and not test.minus))
    form = quantities.signed if signed else quantities.score
    said = form(found["value"], digits)
    if found["low"] is not None:
        said += " " + quantities.interval(found["low"], found["high"], digits, sign=signed)
    else:
        said += " (no interval)"
    unit = f" {found['unit']}" if found["unit"] else ""
    pairs = f", {found['count']} pairs" if found["count"] > 1 and test.arm else ""
    return said + unit + pairs


def scale(told: Tree) -> str:
    """What a run was, or a dash."""
    return told["scale"] or quantities.MISSING


def cost(told: Tree) -> str:
    """Core-hours, at least those of the runs that say theirs, or a dash."""
    hours = told["core_hours"]
    if hours is None:
        return quantities.MISSING
    return f"{'at least ' if told['at_least'] else ''}{hours:.2g} core-hours"


def _digits(found: Tree) -> int:
    ends = [found[end] for end in ("low", "high") if found[end] is not None]
    width = max(ends) - min(ends) if len(ends) == 2 else abs(found["value"])
    digits = 3 if width <= 0 else min(max(1 - math.floor(math.log10(width)), 0), 5)
    # An end that is not zero must not be shown as if it were: the verdict may hang on it.
    while digits < 5 and any(end and round(end, digits) == 0 for end in ends):
        digits += 1
    return digits

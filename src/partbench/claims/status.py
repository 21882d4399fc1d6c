"""From tests to the status of a claim, by one rule for all.

    holds, lower     the whole interval lies below `than`
    fails, lower     it excludes a gain as large as the margin: it lies above `than` - margin
    holds, no lower  the whole interval lies above `than` - margin;  fails: below it
    holds, equal     the whole interval lies within `than` +- margin
    fails, equal     the whole interval lies outside
    open             neither; or no record, a withheld verdict, a grade below the one asked for

`higher` mirrors `lower`, `no higher` mirrors `no lower`. A number
without an interval decides only where the test calls it `exact`.

    supported            every test of the sentence and every control holds
    refuted              one fails: a part of the sentence is not so, or something simpler does it
    open                 anything else
    not testable here    the figure itself cannot be tested with what there is; whatever came out of
                         what was tested instead
"""

import math

from partbench.claims.claim import GRADES, Check, Claim
from partbench.claims.measures import Measure

SUPPORTED, REFUTED, OPEN, UNTESTABLE = "supported", "refuted", "open", "not testable here"
HELD, FAILED = "holds", "fails"


def outcome(test: Check, found: Measure | None, grade: str = "") -> str:
    """`holds`, `fails` or `open`; None means that there is no record yet."""
    if found is None or not math.isfinite(found.value):
        return OPEN
    if below(test, grade):
        return OPEN
    if found.low is None and not test.exact:
        return OPEN
    low = found.value if found.low is None else found.low
    high = found.value if found.high is None else found.high
    if test.holds == "equal":
        near, far = test.than - found.margin, test.than + found.margin
        if near < low and high < far:
            return HELD
        return FAILED if high < near or low > far else OPEN
    if test.holds in ("higher", "no higher"):
        low, high = 2 * test.than - high, 2 * test.than - low
    if test.holds.startswith("no "):
        near = test.than - found.margin
        return HELD if low > near else FAILED if high < near else OPEN
    if high < test.than:
        return HELD
    return FAILED if low > test.than - found.margin else OPEN


def below(test: Check, grade: str) -> bool:
    """Whether a verdict's grade is below the one that the test asks for."""
    return grade in GRADES and GRADES.index(grade) < GRADES.index(test.grade)


def status(claim: Claim, outcomes: list[str]) -> str:
    """The claim's status from the outcomes of its tests, in their order."""
    return UNTESTABLE if claim.untestable else tested(claim, outcomes)


def tested(claim: Claim, outcomes: list[str]) -> str:
    """What the tests alone say; for a claim that is not testable, of what was tested instead."""
    asked = zip(claim.test, outcomes, strict=True)
    outcomes = [outcome for test, outcome in asked if test.role != "beside"]
    if FAILED in outcomes:
        return REFUTED
    return SUPPORTED if outcomes and set(outcomes) == {HELD} else OPEN

"""Numbers out of records, and from numbers to a status: small cases by hand."""

import math

import pytest

from partbench.claims import measures, status
from partbench.claims.claim import Check, Claim
from partbench.claims.measures import Measure
from partbench.claims.select import numbers
from partbench.core.errors import ConfigError

TREE = {
    "rows": [
        {"name": "a, b", "size": 1.0, "seconds": {"one way": 2.0}, "errors": [1, 2, 3]},
        {"name": "c", "size": 2, "seconds": {"one way": 4.0}, "errors": [3, 4, 8]},
    ],
    "curve": [[0, 5.5], [10, 4.5]],
}


def asked(holds: str = "lower", **rest) -> Check:
    return Check(says="", run="r", holds=holds, arm="a", **rest)


def found(low: float | None, high: float | None, value: float = 0.0, margin: float = 0.0):
    return Measure(value, low, high, 0.95, 6, "", margin)


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("rows[name=a, b].seconds.one way", [2.0]),
        ("rows[size=2].errors", [3.0, 4.0, 8.0]),
        ("rows[name=c;size=2].errors.-1", [8.0]),
        ("curve.1.1", [4.5]),
        ("rows[size=1].errors.0", [1.0]),
    ],
)
def test_numbers_are_found_by_their_place(place: str, expected: list[float]) -> None:
    assert numbers(TREE, place) == expected


def test_a_null_is_no_number_and_decides_nothing() -> None:
    tree = {"best": {"inside": None}, "other": 2.0}
    assert numbers(tree, "best.inside") == []
    for more in ({}, {"over": "best.inside"}, {"minus": "best.inside"}):
        test = Check(says="", run="r", holds="lower", value="best.inside", exact=True, **more)
        made = measures.of_record(test, tree)
        assert made.reason == "the committed records hold no number for this"
        assert status.outcome(test, made) == "open"


@pytest.mark.parametrize("place", ["rows[name=d].errors", "nothing", "rows.0.name", "curve.7"])
def test_a_place_without_numbers_is_an_error(place: str) -> None:
    with pytest.raises(ConfigError, match="no numbers there"):
        numbers(TREE, place)


@pytest.mark.parametrize(
    ("holds", "low", "high", "margin", "expected"),
    [
        ("lower", -2, -1, 0.5, "holds"),
        ("lower", -2, 1, 0.5, "open"),
        ("lower", -0.4, 0.3, 0.5, "fails"),  # no gain as large as the margin
        ("lower", 1, 2, 0.5, "fails"),
        ("higher", 1, 2, 0.5, "holds"),
        ("higher", -0.3, 0.4, 0.5, "fails"),
        ("higher", -1, 2, 0.5, "open"),
        ("no lower", -0.4, 9, 0.5, "holds"),
        ("no lower", -2, -1, 0.5, "fails"),
        ("no lower", -2, 1, 0.5, "open"),
        ("no higher", -9, 0.4, 0.5, "holds"),
        ("no higher", 1, 2, 0.5, "fails"),
        ("equal", -0.4, 0.4, 0.5, "holds"),
        ("equal", 0.1, 0.7, 0.5, "open"),
        ("equal", 0.6, 0.7, 0.5, "fails"),
    ],
)
def test_an_interval_holds_fails_or_is_open(holds, low, high, margin, expected) -> None:
    measure = found(low, high, (low + high) / 2, margin)
    assert status.outcome(asked(holds), measure) == expected
    shifted = found(low + 3, high + 3, (low + high) / 2 + 3, margin)
    assert status.outcome(asked(holds, than=3.0), shifted) == expected


def test_what_has_no_interval_decides_only_what_is_exact() -> None:
    assert status.outcome(asked(), found(None, None, -1.0)) == "open"
    assert status.outcome(asked(exact=True), found(None, None, -1.0)) == "holds"
    assert status.outcome(asked(exact=True), found(None, None, 1.0)) == "fails"


def test_no_record_a_withheld_verdict_and_a_screen_are_open() -> None:
    good = found(-2, -1, -1.5)
    assert status.outcome(asked(), None) == "open"
    assert status.outcome(asked(), found(None, None, math.nan)) == "open"
    assert status.outcome(asked(grade="tuned"), good, "screen") == "open"
    assert status.outcome(asked(grade="tuned"), good, "laddered") == "holds"


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        (["holds", "holds", "fails"], "supported"),  # the last stands beside
        (["holds", "open", "holds"], "open"),
        (["holds", "fails", "holds"], "refuted"),
        (["fails", "open", "holds"], "refuted"),
        (["open", "open", "open"], "open"),
    ],
)
def test_a_claim_is_supported_only_with_its_controls(outcomes, expected) -> None:
    tests = (asked(), asked(role="control"), asked(role="beside"))
    keys = ("id", "sentence", "source", "refuted", "settle", "one_gpu", "many")
    words = dict.fromkeys(keys, "")
    claim = Claim(**words, test=tests)
    assert status.status(claim, outcomes) == expected
    elsewhere = Claim(**words, test=tests, untestable="no data", instead="other data")
    assert status.status(elsewhere, outcomes) == "not testable here"
    assert status.tested(elsewhere, outcomes) == expected


def test_ratios_go_by_logarithms_and_differences_by_pairs() -> None:
    ratio = Check(
        says="", run="r", holds="lower", value="rows[size=1].errors", over="rows[size=2].errors"
    )
    made = measures.of_record(ratio, TREE)
    assert made.value == pytest.approx((1 / 3 * 2 / 4 * 3 / 8) ** (1 / 3))
    assert made.low is not None
    assert made.low < made.value < made.high
    less = Check(
        says="", run="r", holds="lower", value="rows[size=1].errors", minus="rows[size=2].errors"
    )
    assert measures.of_record(less, TREE).value == pytest.approx(-3.0)
    uneven = Check(says="", run="r", holds="lower", value="rows[size=1].errors", minus="curve.0.1")
    with pytest.raises(ConfigError, match=r"3 numbers, and 1 at curve\.0\.1"):
        measures.of_record(uneven, TREE)
    one = Check(says="", run="r", holds="lower", value="curve.0.1", over="curve.1.1")
    alone = measures.of_record(one, TREE)
    assert (alone.value, alone.low) == (pytest.approx(5.5 / 4.5), None)

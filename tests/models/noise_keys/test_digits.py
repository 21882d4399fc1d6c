"""Digit metrics: the formula as it reads, Gray code, and the trap of 0.4999 and 0.5000."""

import numpy as np
import pytest

from partbench.core.errors import ConfigError
from partbench.models.noise_keys.digits import Metric, brute_force, gray, split


def as_it_reads(x, k, fade=0.3, closeness=1.0, places=4):
    total = 0.0
    for own, other in zip(x, k, strict=True):
        one, two = f"{own:0{places}d}", f"{other:0{places}d}"
        for p, (d, e) in enumerate(zip(one, two, strict=True)):
            total += fade**p * ((d != e) + closeness * abs(int(d) - int(e)) / 9)
    return total


def test_distances_are_those_of_the_formula():
    rng = np.random.default_rng(0)
    metric = Metric("digits", 3, 4)
    x, k = rng.integers(0, 10**4, (2, 50, 3))
    found = metric.between(x, k) * metric.unit
    expected = [as_it_reads(one, two) for one, two in zip(x, k, strict=True)]
    assert found == pytest.approx(expected, abs=20 * metric.unit)
    assert metric.unit < 1e-7
    assert metric.between(x, x).max() == 0


def test_the_numeric_distance_is_that_of_the_numbers():
    metric = Metric("numeric", 2, 4)
    assert metric.between(np.array([1234, 5]), np.array([1200, 7])) == 36
    assert metric.unit == 1e-4


def test_neighbours_in_gray_code_differ_by_one_in_one_digit():
    codes = gray(split(np.arange(10_000), 4)).astype(int)
    gaps = np.abs(np.diff(codes, axis=0))
    assert (gaps.sum(1) == 1).all()
    assert len(np.unique(codes, axis=0)) == 10_000


def test_numbers_side_by_side_are_far_apart_as_digits_and_gray_code_only_eases_it():
    """0.4999 and 0.5000 differ in all digits; in Gray code in one, but still in the first."""
    low, high, far = np.array([[4999], [5000], [5999]])
    plain, reflected = Metric("digits", 1, 4), Metric("gray", 1, 4)
    assert plain.between(low, high) * plain.unit == pytest.approx(10 / 9 + 2 * 0.417, abs=1e-6)
    assert reflected.between(low, high) * reflected.unit == pytest.approx(10 / 9, abs=1e-6)
    for metric in (plain, reflected):
        assert metric.between(low, high) > metric.between(high, far)


def test_gray_finds_the_numeric_neighbour_more_often_than_digits_do():
    """Measured here: 0.80 and 0.70 at one coordinate; neither is the numeric metric."""
    rng = np.random.default_rng(1)
    keys, asked = rng.integers(0, 10**8, (500, 1)), rng.integers(0, 10**8, (2000, 1))
    exact = brute_force(Metric("numeric", 1), asked, keys)[0]
    share = {
        kind: (brute_force(Metric(kind, 1), asked, keys)[0] == exact).mean()
        for kind in ("digits", "gray")
    }
    assert 0.5 < share["digits"] < share["gray"] < 1


def test_brute_force_gives_ties_to_the_lower_number():
    metric = Metric("digits", 1, 2)
    rows, distance = brute_force(metric, np.array([[50]]), np.array([[51], [49], [51], [50]]), 3)
    assert rows.tolist() == [[3, 0, 2]]
    assert distance[0, 1] == distance[0, 2]


@pytest.mark.parametrize("wrong", [{"axes": 0}, {"axes": 16}, {"places": 9}, {"fade": 1.0},
                                   {"closeness": -1.0}])  # fmt: skip
def test_what_cannot_be_a_metric_is_refused(wrong):
    with pytest.raises(ConfigError):
        Metric(**wrong)

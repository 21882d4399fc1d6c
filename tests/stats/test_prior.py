"""The prior on noise, from what past studies saw."""

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import digamma, polygamma

from partbench.stats.paired import moderated
from partbench.stats.prior import prior_from


def past(freedom: float, variance: float, studies: int, pairs: int, seed: int = 1):
    random = np.random.default_rng(seed)
    true = variance * freedom / random.chisquare(freedom, studies)
    seen = true * random.chisquare(pairs - 1, studies) / (pairs - 1)
    return [(float(np.sqrt(v)), pairs) for v in seen]


@pytest.mark.parametrize("freedom", [2.0, 6.0, 20.0])
def test_many_studies_give_the_prior_they_were_drawn_from(freedom):
    prior = prior_from(past(freedom, 0.04, 5000, 8))
    assert prior.freedom == pytest.approx(freedom, rel=0.12)
    assert prior.variance == pytest.approx(0.04, rel=0.05)
    assert prior.studies == 5000


def test_the_two_moments_are_matched():
    rows = past(1.5, 1.0, 12, 5)
    logs = np.array([2 * np.log(sd) for sd, _ in rows]) - digamma(2) + np.log(2)
    half = brentq(lambda x: polygamma(1, x) - (logs.var(ddof=1) - polygamma(1, 2)), 0.1, 1e4)
    prior = prior_from(rows)
    assert prior.freedom == pytest.approx(2 * half, rel=1e-6)
    assert np.log(prior.variance) == pytest.approx(logs.mean() + digamma(half) - np.log(half))


def test_alike_studies_are_pooled_and_worth_no_more_than_they_held():
    prior = prior_from([(0.1, 4), (0.11, 6), (0.1, 4), (0.09, 4), (0.1, 8)])
    assert prior.freedom == 3 + 5 + 3 + 3 + 7
    assert prior.variance == pytest.approx((3 * (0.02 + 0.0081) + 5 * 0.0121 + 7 * 0.01) / 21)


def test_identical_arms_are_left_out():
    rows = past(6.0, 1.0, 8, 5)
    assert prior_from([*rows, (0.0, 12)]) == prior_from(rows)


def test_it_serves_the_moderated_test():
    prior = prior_from(past(6.0, 1.0, 20, 5))
    answer = moderated([0.5, -0.2, 0.3], prior.variance, prior.freedom)
    assert answer.freedom == pytest.approx(prior.freedom + 2)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([(0.1, 4)] * 4, "at least 5"),
        ([(0.1, 4)] * 4 + [(0.0, 4)], "4 studies with scatter"),
        ([(0.1, 1)] * 5, "1 pairs"),
        ([(-0.1, 4)] * 5, "sd is -0.1"),
    ],
)
def test_a_past_that_gives_no_prior_is_refused(rows, says):
    with pytest.raises(ValueError, match=says):
        prior_from(rows)

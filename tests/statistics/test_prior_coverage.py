"""Moderated intervals cover when their prior itself is estimated from a few past studies."""

import numpy as np
import pytest

from partbench.stats.paired import moderated, paired
from partbench.stats.prior import prior_from


@pytest.mark.slow
@pytest.mark.parametrize(
    ("freedom", "studies", "pairs"), [(8.0, 5, 8), (3.0, 10, 6), (8.0, 30, 8), (1e6, 10, 6)]
)
def test_intervals_with_an_estimated_prior_cover_and_are_shorter(freedom, studies, pairs):
    random = np.random.default_rng(studies)
    hits, widths, plain = [], [], []
    for _ in range(2500):
        true = 2.0 * freedom / random.chisquare(freedom, studies + 1)
        seen = true[1:] * random.chisquare(pairs - 1, studies) / (pairs - 1)
        prior = prior_from([(float(sd), pairs) for sd in np.sqrt(seen)])
        row = random.normal(0.4, np.sqrt(true[0]), 4)
        answer, alone = moderated(row, prior.variance, prior.freedom), paired(row)
        hits.append(answer.low <= 0.4 <= answer.high)
        widths.append(answer.high - answer.low)
        plain.append(alone.high - alone.low)
    assert np.mean(hits) == pytest.approx(0.95, abs=0.02)
    assert np.mean(widths) < 0.8 * np.mean(plain)

"""Winners shrunk, and winners confirmed."""

import math

import numpy as np
import pytest

from partbench.stats.paired import paired
from partbench.stats.winners import confirm, shrunken

ERRORS = np.ones(6)


def test_estimates_move_towards_zero_and_keep_their_order():
    seen = np.array([-2.0, -0.5, 0.2, 0.6, 1.0, 1.6])
    answer = shrunken(seen, ERRORS, correlation=0.0)
    assert (np.abs(answer.estimates) < np.abs(seen)).all()
    assert list(answer.estimates) == sorted(answer.estimates)
    for estimate, low, high in zip(answer.estimates, answer.low, answer.high, strict=True):
        assert low < estimate < high


def test_noise_is_shrunk_away_and_large_effects_are_left():
    noise = np.array([-1.0, -0.5, 0.2, 0.6, 1.0, -0.3])
    assert abs(shrunken(noise, ERRORS, correlation=0.0).estimates[0]) < 0.4
    assert shrunken(20 * noise, ERRORS, correlation=0.0).estimates[0] == pytest.approx(
        -20, rel=0.02
    )


def test_the_spread_is_summed_out():
    """Spreads drawn from the flat prior, weighed by how well they explain what was seen."""
    random = np.random.default_rng(1)
    seen, errors = np.array([-1.5, 0.4, 0.9]), np.array([0.6, 1.0, 0.8])
    noise = 0.5 * np.outer(errors, errors) + 0.5 * np.diag(errors**2)
    spread = random.uniform(0, 60, 100_000)
    total = noise + spread[:, None, None] ** 2 * np.eye(3)
    solved = np.linalg.solve(total, np.broadcast_to(seen[:, None], (len(spread), 3, 1)))[..., 0]
    weights = np.exp(-0.5 * (solved @ seen)) / np.sqrt(np.linalg.det(total))
    expected = weights @ (spread[:, None] ** 2 * solved) / weights.sum()
    # The flat prior has no upper end; 60 and infinity differ by little.
    assert shrunken(seen, errors).estimates == pytest.approx(expected, rel=0.03)


def test_what_all_arms_show_alike_is_laid_to_the_base():
    seen = np.array([-1.2, -1.0, -1.1, -0.9, -1.0, -1.1])
    alone, shared = shrunken(seen, ERRORS, correlation=0.0), shrunken(seen, ERRORS, correlation=0.9)
    assert abs(np.mean(shared.estimates)) < 0.5 * abs(np.mean(alone.estimates))


def test_few_pairs_shrink_more():
    seen = np.array([-2.0, -0.5, 0.2, 0.6, 1.0, 1.6])
    sure, unsure = shrunken(seen, ERRORS), shrunken(seen, ERRORS, freedoms=[3] * 6)
    assert abs(unsure.estimates[0]) < abs(sure.estimates[0])


def test_a_noisy_arm_is_shrunk_more():
    answer = shrunken([-2.0, -2.0, 1.0, 2.0], [0.3, 2.0, 0.3, 0.3], correlation=0.0)
    assert answer.estimates[0] < -1.8 < answer.estimates[1]


FRESH = {20: -0.5, 21: -0.7, 22: -0.6, 23: -0.8}


@pytest.mark.parametrize(
    ("screened", "shift", "word"),
    [(-0.9, 0.0, "confirmed"), (0.9, 0.0, "contradicted"), (-0.9, 0.65, "not confirmed")],
)
def test_fresh_seeds_alone_decide(screened, shift, word):
    fresh = {seed: value + shift for seed, value in FRESH.items()}
    answer = confirm(screened, fresh, used_seeds=range(12))
    test = paired(list(fresh.values()))
    assert answer.word == word
    assert (answer.difference, answer.low, answer.high) == (test.mean, test.low, test.high)


def test_more_winners_need_stronger_evidence():
    answer = confirm(-0.9, FRESH, range(12), winners=4)
    assert answer.level == pytest.approx(1 - 0.05 / 4)
    assert answer.high > confirm(-0.9, FRESH, range(12)).high


def test_a_seed_of_the_screen_confirms_nothing():
    with pytest.raises(ValueError, match="seed 21 took part"):
        confirm(-0.9, FRESH, used_seeds=[3, 21])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (([0.1, 0.2], [1.0, 1.0]), "at least 3"),
        (([0.1, 0.2, 0.3], [1.0, 1.0, 0.0]), "above 0"),
        (([0.1, 0.2, 0.3], [1.0] * 4), "3 estimates but 4"),
        (([0.1, 0.2, math.inf], [1.0] * 3), "finite"),
        (([0.1, 0.2, 0.3], [1.0] * 3, None, 1.0), "correlation is 1.0"),
    ],
)
def test_screens_that_cannot_be_shrunk_are_refused(arguments, says):
    with pytest.raises(ValueError, match=says):
        shrunken(*arguments)

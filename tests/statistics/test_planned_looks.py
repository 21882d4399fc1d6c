"""Simulated studies at planned looks: false alarms, power, and what the looks promise together.

The studies run through a twin of `monitor.look` that judges 20,000 studies at once; the first
test holds the twin equal to the real code.
"""

import numpy as np
import pytest
from scipy.special import stdtrit

from partbench.stats.monitor import look
from partbench.stats.sequential import Design, flat, obrien_fleming, spending

STUDIES = 20_000
WORDS = np.array(["inconclusive", "better", "worse", "equivalent"])
INCONCLUSIVE, BETTER, WORSE, EQUIVALENT = range(4)
DEFAULT = flat((4, 6, 8, 12))
NO_MARGIN = 1e-12
DESIGNS = [DEFAULT, obrien_fleming((4, 8, 12)), flat((4, 8, 12)), spending((3, 5, 12))]


def many_looks(design: Design, differences: np.ndarray, margin: float):
    """`look` at the last look for differences (study, arm, pair): words, clear of 0, pairs used."""
    studies, arms, _ = differences.shape
    words = np.zeros((studies, arms), int)
    clear = np.zeros((studies, arms), bool)
    used = np.full((studies, arms), design.looks[-1])
    going = np.ones((studies, arms), bool)
    for place, pairs in enumerate(design.looks):
        seen = differences[:, :, :pairs]
        mean, error = seen.mean(2), seen.std(2, ddof=1) / np.sqrt(pairs)
        levels = [design.at(design.alpha / (arms - r)).levels[place] for r in range(arms)]
        quantiles = np.append(-stdtrit(pairs - 1, np.array(levels) / 2), np.inf)

        def judged(half, mean=mean):
            outside = (mean - half > 0) | (mean + half < 0)
            inside = (-margin < mean - half) & (mean + half < margin)
            side = np.where(mean > 0, WORSE, BETTER)
            return np.where(inside, EQUIVALENT, np.where(outside, side, INCONCLUSIVE)), outside

        new_words, outside = judged(quantiles[0] * error)
        words, clear = np.where(going, new_words, words), np.where(going, outside, clear)
        for _ in range(arms):
            rejected = clear.sum(1)
            new_words, outside = judged(quantiles[rejected][:, None] * error)
            found = going & (words == INCONCLUSIVE) & np.isin(new_words, (BETTER, WORSE))
            found &= rejected[:, None] > 0
            words, clear = np.where(found, new_words, words), clear | found
        used = np.where(going & (words != INCONCLUSIVE), pairs, used)
        going &= words == INCONCLUSIVE
    return words, clear, used


def studies_of(effects, pairs: int, seed: int, count: int = STUDIES) -> np.ndarray:
    """Differences with SD 1 and these means; arms share a base, which correlates them by 1/2."""
    random = np.random.default_rng(seed)
    base = random.standard_normal((count, 1, pairs))
    arms = random.standard_normal((count, len(effects), pairs))
    return (arms - base) / np.sqrt(2) + np.asarray(effects, float)[None, :, None]


def assert_rate(found: np.ndarray, declared: float) -> None:
    """Within the binomial interval of the declared rate (3.5 SD: one miss in 2,000 seeds)."""
    noise = np.sqrt(declared * (1 - declared) / len(found))
    assert abs(found.mean() - declared) < 3.5 * noise


def assert_at_most(found: np.ndarray, declared: float) -> None:
    noise = np.sqrt(declared * (1 - declared) / len(found))
    assert found.mean() < declared + 3.5 * noise


@pytest.mark.parametrize("design", DESIGNS[:2], ids=lambda design: design.name)
@pytest.mark.parametrize("margin", [0.6, 0.9])
def test_the_twin_equals_the_real_code(design, margin):
    differences = studies_of([0.0, 0.4, -0.7, 1.5], 12, seed=1, count=150)
    words, _, used = many_looks(design, differences, margin)
    for study, rows in enumerate(differences):
        results = {str(arm): row for arm, row in enumerate(rows)}
        standings = look(design, len(design.looks) - 1, results, margin)
        assert [s.verdict.word for s in standings.values()] == WORDS[words[study]].tolist()
        assert [design.looks[s.look] for s in standings.values()] == used[study].tolist()
    assert set(words.ravel()) == set(range(4))


@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: f"{design.name}-{design.looks}")
def test_identical_arms_alarm_at_the_declared_rate(design):
    words, _, _ = many_looks(design, studies_of([0.0], 12, seed=2), NO_MARGIN)
    assert_rate((words != INCONCLUSIVE).any(1), 0.05)
    assert_rate((words == BETTER).any(1), 0.025)


def test_peeking_with_a_plain_five_percent_test_would_be_caught_here():
    naive = Design(DEFAULT.looks, (0.05,) * 4, "flat", 0.05)
    differences = studies_of([0.0], 12, seed=2)
    t = [
        differences[:, 0, :n].mean(1) / differences[:, 0, :n].std(1, ddof=1) * np.sqrt(n)
        for n in naive.looks
    ]
    alarms = np.any(
        [np.abs(x) > -stdtrit(n - 1, 0.025) for x, n in zip(t, naive.looks, strict=True)], axis=0
    )
    assert alarms.mean() > 0.1
    assert_rate(alarms, naive.false_alarms())


@pytest.mark.parametrize("design", DESIGNS[:2], ids=lambda design: design.name)
@pytest.mark.parametrize("margin", [NO_MARGIN, 0.5, 1.5])
def test_three_arms_with_a_shared_base_alarm_at_most_at_the_declared_rate(design, margin):
    _, clear, _ = many_looks(design, studies_of([0.0] * 3, 12, seed=3), margin)
    assert_at_most(clear.any(1), 0.05)
    assert clear.any(1).mean() > 0.03  # cautious, but not asleep


@pytest.mark.parametrize("effects", [(3.0, 0.0, 0.0), (3.0, 3.0, 0.0), (1.0, 0.5, 0.0)])
def test_arms_that_work_do_not_make_the_idle_ones_alarm_more(effects):
    """Shares handed on are the danger: with two arms found, the third is tested at all of alpha."""
    _, clear, _ = many_looks(DEFAULT, studies_of(effects, 12, seed=4), NO_MARGIN)
    idle = np.array(effects) == 0
    assert_at_most(clear[:, idle].any(1), 0.05)


def test_handing_on_finds_more_than_fixed_shares():
    differences = studies_of([3.0, 3.0, 1.0], 12, seed=5)
    words, _, _ = many_looks(DEFAULT, differences, NO_MARGIN)
    fixed, _, _ = many_looks(DEFAULT.at(0.05 / 3), differences[:, 2:], NO_MARGIN)
    assert (words[:, 2] == WORSE).mean() > (fixed == WORSE).mean() + 0.1


@pytest.mark.parametrize("distance", [1.0, 1.05])
@pytest.mark.parametrize("margin", [0.5, 1.2, 2.0, 3.0])
def test_arms_at_or_beyond_the_margin_are_rarely_called_equivalent(margin, distance):
    differences = studies_of([margin * distance] * 3, 12, seed=6)
    words, _, _ = many_looks(DEFAULT, differences, margin)
    assert_at_most((words == EQUIVALENT).any(1), 0.05 / 2)


@pytest.mark.parametrize("effect", [0.0, 0.3, 0.6, 1.0, 2.5])
def test_one_arm_gets_a_false_word_of_any_kind_at_most_at_the_declared_rate(effect):
    margin = 0.6
    words, clear, _ = many_looks(DEFAULT, studies_of([effect], 12, seed=7), margin)
    false = (words == BETTER) | ((words == EQUIVALENT) & (effect >= margin))
    if effect == 0:
        false |= clear
    assert_at_most(false.any(1), 0.05)


def test_the_intervals_of_all_looks_hold_the_truth_together():
    differences = studies_of([0.7], 12, seed=8)[:, 0]
    missed = np.zeros(STUDIES, bool)
    for pairs, level in zip(DEFAULT.looks, DEFAULT.levels, strict=True):
        seen = differences[:, :pairs]
        half = -stdtrit(pairs - 1, level / 2) * seen.std(1, ddof=1) / np.sqrt(pairs)
        missed |= np.abs(seen.mean(1) - 0.7) > half
    assert_rate(missed, 0.05)


@pytest.mark.parametrize(
    ("design", "effect", "power", "pairs"),
    [
        (DEFAULT, 1.0, 0.77, 9.2),
        (DEFAULT, 1.5, 0.98, 6.9),
        (DEFAULT, 2.0, 1.00, 5.5),
        (DEFAULT, 3.0, 1.00, 4.5),
        (DESIGNS[1], 1.0, 0.878, 10.3),
        (DESIGNS[1], 1.5, 0.996, 8.8),
        (DESIGNS[1], 3.0, 1.00, 7.7),
    ],
)
def test_a_planted_effect_is_found_as_often_and_as_soon_as_published(design, effect, power, pairs):
    """specs, statistics 2.4; its levels were .0168 flat, and normal theory for O'Brien-Fleming."""
    words, _, used = many_looks(design, studies_of([effect], 12, seed=9), NO_MARGIN)
    assert (words == WORSE).mean() == pytest.approx(power, abs=0.015)
    assert used.mean() == pytest.approx(pairs, abs=0.15)


@pytest.mark.parametrize("rate", [0.05, 0.3])
def test_studies_with_diverged_runs_alarm_at_most_at_the_declared_rate(rate):
    """Both arms diverge at the same rate: t where all runs finished, ranks where not."""
    random = np.random.default_rng(10)
    differences = random.standard_normal((1500, 12))
    base, arm = random.random((2, 1500, 12)) < rate
    differences[arm & ~base], differences[base & ~arm] = np.inf, -np.inf
    differences[arm & base] = np.nan
    alarms = [
        look(DEFAULT, 3, {"arm": row}, NO_MARGIN)["arm"].verdict.word != "inconclusive"
        for row in differences
    ]
    assert_at_most(np.array(alarms), 0.05)


def test_an_arm_that_diverges_half_the_time_is_found_worse():
    random = np.random.default_rng(11)
    differences = random.normal(0.5, 1, (300, 12))
    differences[random.random((300, 12)) < 0.5] = np.inf
    words = [look(DEFAULT, 3, {"a": row}, NO_MARGIN)["a"].verdict.word for row in differences]
    assert words.count("worse") > 0.5 * 300
    assert words.count("better") < 0.025 * 300  # some, before the first run diverged

"""What may be said of each arm at a planned look, on cases by hand."""

import numpy as np
import pytest

from partbench.stats.monitor import look
from partbench.stats.paired import paired
from partbench.stats.sequential import flat
from partbench.stats.verdict import word_of

DESIGN = flat((4, 6, 8, 12))


def with_p(p: float, count: int = 4, scale: float = 1.0) -> np.ndarray:
    """`count` (even) differences above 0 whose paired t-test gives p."""
    from scipy.stats import t

    pattern = np.tile([1.0, -1.0], count // 2)
    mean = t.isf(p / 2, count - 1) * pattern.std(ddof=1) / np.sqrt(count)
    return scale * (pattern + mean)


def test_one_arm_is_judged_at_the_level_of_the_look():
    level = DESIGN.levels[0]
    for p, word in [(0.9 * level, "worse"), (1.1 * level, "inconclusive")]:
        standing = look(DESIGN, 0, {"arm": with_p(p)}, margin=1e-6)["arm"]
        assert standing.verdict.word == word
        assert standing.finished == (word == "worse")
        assert standing.verdict.p == pytest.approx(p)
        assert standing.verdict.level == 1 - level


def test_three_arms_are_judged_at_a_third():
    p = 0.9 * DESIGN.levels[0]  # enough for one arm alone
    standings = look(DESIGN, 0, {arm: with_p(p) for arm in "abc"}, margin=1e-6)
    assert {standing.verdict.word for standing in standings.values()} == {"inconclusive"}


def test_a_rejected_arm_hands_its_share_on_step_by_step():
    strict, middle, loose = (DESIGN.at(0.05 / arms).levels[0] for arms in (3, 2, 1))
    results = {"a": with_p(0.9 * strict), "b": with_p(0.9 * middle), "c": with_p(0.9 * loose)}
    standings = look(DESIGN, 0, results, margin=1e-6)
    assert [standings[arm].verdict.word for arm in "abc"] == ["worse"] * 3
    assert [standings[arm].alpha for arm in "abc"] == pytest.approx([0.05 / 3, 0.05 / 2, 0.05])
    results["a"] = with_p(1.1 * strict)  # without the first, nothing is handed on
    standings = look(DESIGN, 0, results, margin=1e-6)
    assert [standings[arm].verdict.word for arm in "abc"] == ["inconclusive"] * 3


def test_a_share_handed_on_at_an_earlier_look_counts_at_the_next():
    """The p of b at 6 pairs is too large for half of alpha, and small enough for all of it."""
    p = 0.9 * DESIGN.levels[1]
    assert p > DESIGN.at(0.025).levels[1]
    b = with_p(p, 6)
    early = look(DESIGN, 1, {"a": with_p(0.001), "b": b}, margin=1e-6)
    assert (early["a"].look, early["b"].look) == (0, 1)
    assert early["b"].verdict.word == "worse"
    alone = look(DESIGN, 1, {"a": with_p(0.5, 6), "b": b}, margin=1e-6)
    assert alone["b"].verdict.word == "inconclusive"


def test_an_equivalent_arm_stops_but_hands_nothing_on():
    results = {"a": with_p(0.9, scale=1e-3), "b": with_p(0.9 * DESIGN.levels[0])}
    standings = look(DESIGN, 0, results, margin=0.5)
    assert (standings["a"].verdict.word, standings["a"].finished) == ("equivalent", True)
    assert (standings["b"].verdict.word, standings["b"].finished) == ("inconclusive", False)


def test_an_equivalent_arm_that_excludes_zero_hands_its_share_on():
    results = {"a": with_p(0.001, scale=1e-3), "b": with_p(0.9 * DESIGN.levels[0])}
    standings = look(DESIGN, 0, results, margin=0.5)
    assert standings["a"].verdict.sign == "slightly worse"
    assert standings["b"].verdict.word == "worse"


def test_a_share_handed_on_makes_nothing_equivalent():
    """At all of alpha b would lie inside the margin, clear of 0; at its own half it does not."""
    b = with_p(0.9 * DESIGN.levels[0])
    full = paired(b, DESIGN.confidence(0))
    half = paired(b, DESIGN.at(0.025).confidence(0))
    margin = (full.high + half.high) / 2
    assert word_of(full.low, full.high, margin)[0] == "equivalent"
    verdict = look(DESIGN, 0, {"a": with_p(1e-7, scale=10), "b": b}, margin)["b"].verdict
    assert (verdict.word, verdict.low) == ("inconclusive", half.low)


def test_the_last_look_stops_every_arm():
    standings = look(DESIGN, 3, {"a": with_p(0.5, 12), "b": with_p(0.6, 12)}, margin=1e-6)
    for standing in standings.values():
        assert (standing.verdict.word, standing.finished, standing.look) == (
            "inconclusive",
            True,
            3,
        )


def test_pairs_beyond_the_look_are_not_read():
    row = np.concatenate([with_p(0.5), [50.0] * 8])
    assert look(DESIGN, 0, {"a": row}, 0.1) == look(DESIGN, 0, {"a": row[:4]}, 0.1)


def test_diverged_runs_are_ranked_at_the_level_of_the_look():
    row = np.array([np.inf] * 6 + [0.1] * 6)
    standings = [look(DESIGN, place, {"a": row}, 0.5)["a"] for place in range(4)]
    # 6 of 6 has p = .031, 8 of 8 has .0078.
    assert [s.verdict.word for s in standings] == ["inconclusive", "inconclusive", "worse", "worse"]
    assert standings[3].look == 2


@pytest.mark.parametrize("seed", range(30))
def test_every_word_is_the_one_its_own_interval_gives(seed):
    random = np.random.default_rng(seed)
    results = {arm: random.normal(random.normal(0, 0.5), 0.5, 12) for arm in "abcd"}
    for place in range(4):
        for standing in look(DESIGN, place, results, margin=0.6).values():
            verdict = standing.verdict
            pairs = DESIGN.looks[standing.look]
            assert verdict.count == pairs
            assert verdict.level == DESIGN.at(standing.alpha).confidence(standing.look)
            assert (verdict.word, verdict.sign) == word_of(verdict.low, verdict.high, 0.6)


def test_a_finished_arm_may_be_shorter_and_an_open_one_may_not():
    done, open_arm = with_p(0.001), with_p(0.5, 6)
    assert look(DESIGN, 1, {"a": done, "b": open_arm}, 1e-6)["a"].finished
    with pytest.raises(ValueError, match="arm 'b' has 4 of the 6 pairs"):
        look(DESIGN, 1, {"a": done, "b": open_arm[:4]}, 1e-6)


@pytest.mark.parametrize("number", [-1, 4])
def test_a_look_that_was_not_planned_is_refused(number):
    with pytest.raises(ValueError, match="choose 0 to 3"):
        look(DESIGN, number, {"a": with_p(0.5)}, 0.1)


def test_no_arms_are_refused():
    with pytest.raises(ValueError, match="no arms"):
        look(DESIGN, 0, {}, 0.1)

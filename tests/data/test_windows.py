from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partbench.core.errors import ConfigError, DataError
from partbench.data.windows import Folds, Pool, Windows


class Layout:
    """Windows over tokens that are their own positions, as data/text.py cuts them."""

    def __init__(self, total, context, folds=12, holdout="rotate", evaluation_tokens=32768):
        self.context, self.total, self.evaluation_tokens = context, total, evaluation_tokens
        self.folds = Folds(
            total,
            context,
            folds=folds,
            holdout=holdout,
            evaluation_tokens=evaluation_tokens,
            name="text",
        )

    def held_out(self, seed):
        return self.folds.held_out(self.folds.fold(seed))

    def windows(self, seed):
        first, last = self.held_out(seed)
        tokens = np.arange(self.total)
        start, stop = self.folds.scored_part(self.folds.fold(seed))
        pool = Pool([tokens[:first], tokens[last:]], 1.0)
        return Windows([pool], tokens[start - 1 : stop], self.context, "text")

    def batch(self, seed, step, size):
        return self.windows(seed).batch(seed, step, size)

    def starts(self, seed, step, size):
        return self.batch(seed, step, size)[:, 0]


windows = Layout


@st.composite
def layouts(draw):
    """A corpus that is just long enough, or longer."""
    context, folds = draw(st.integers(1, 40)), draw(st.integers(2, 15))
    total = draw(st.integers(folds * (context + 1), folds * (context + 1) + 400))
    holdout = draw(st.sampled_from(["rotate", "last"]))
    return windows(total, context, folds, holdout, draw(st.integers(context, 300)))


@settings(deadline=None, max_examples=150)
@given(layout=layouts(), seed=st.integers(0, 10**9), step=st.integers(0, 10**6))
def test_no_training_window_touches_the_held_out_fold(layout, seed, step):
    batch = layout.batch(seed, step, 64)
    first, last = layout.held_out(seed)
    assert batch.shape == (64, layout.context + 1)
    assert batch.dtype == np.int64
    assert (np.diff(batch) == 1).all()
    assert batch.min() >= 0
    assert batch.max() < layout.total
    assert not ((batch >= first) & (batch < last)).any()


@settings(deadline=None, max_examples=150)
@given(layout=layouts(), seed=st.integers(0, 10**9), size=st.integers(1, 9))
def test_evaluation_scores_the_fold_in_order_and_each_token_once(layout, seed, size):
    first, last = layout.held_out(seed)
    batches, weights = zip(*layout.windows(seed).evaluation(size), strict=True)
    targets = np.concatenate(batches)[:, 1:].reshape(-1)
    assert all((part == 1).all() for part in weights)
    most = min(layout.evaluation_tokens, last - first - 1)
    assert targets.tolist() == list(
        range(first + 1, first + 1 + most // layout.context * layout.context)
    )
    assert len(targets) > 0
    assert all(len(batch) == size for batch in batches[:-1])


@settings(deadline=None, max_examples=50)
@given(layout=layouts())
def test_the_folds_are_the_whole_corpus_and_nearly_equal(layout):
    if layout.folds.holdout == "rotate":
        bounds = [layout.held_out(seed) for seed in range(layout.folds.folds)]
        assert bounds[0][0] == 0
        assert bounds[-1][1] == layout.total
        assert all(one[1] == two[0] for one, two in pairwise(bounds))
        sizes = [last - first for first, last in bounds]
        assert max(sizes) - min(sizes) <= 1
    else:
        assert {layout.held_out(seed) for seed in range(20)} == {layout.held_out(0)}
        assert layout.held_out(0)[1] == layout.total


def test_every_possible_window_is_drawn_equally_often():
    layout = windows(40, 3, folds=4)
    starts = layout.starts(seed=1, step=0, size=60_000)  # fold 1 is tokens 10 to 19
    counts = np.bincount(starts, minlength=40)
    possible = [*range(7), *range(20, 37)]
    assert np.flatnonzero(counts).tolist() == possible
    expected = 60_000 / len(possible)
    assert abs(counts[possible] - expected).max() < 5 * np.sqrt(expected)


def test_a_batch_does_not_depend_on_what_was_drawn_before():
    fresh, used = windows(5000, 16), windows(5000, 16)
    for step in range(20):
        used.batch(3, step, 7)
    list(used.windows(3).evaluation(4))
    np.random.default_rng().random(5)
    assert (fresh.batch(3, 11, 8) == used.batch(3, 11, 8)).all()


def test_other_seeds_and_other_steps_give_other_batches():
    layout = windows(5000, 16, holdout="last")
    seen = {layout.starts(seed, step, 8).tobytes() for seed in range(5) for step in range(5)}
    assert len(seen) == 25


def test_rotating_pairs_meet_every_fold_in_turn():
    layout = windows(5000, 16)
    assert [layout.folds.fold(seed) for seed in range(24)] == [*range(12), *range(12)]


def test_a_corpus_too_short_says_what_there_is_and_what_would_do():
    with pytest.raises(DataError) as hit:
        windows(500, 64)
    assert str(hit.value) == (
        "corpus 'text': 500 tokens, but 12 folds of a context of 64 and one target need 780; "
        "lower dims.context to 40, or lower task.folds to 7, or give 780 tokens or more"
    )
    windows(500, 40)
    windows(500, 64, folds=7)
    windows(780, 64)


@pytest.mark.parametrize("total", [1, 5, 65])
def test_a_corpus_shorter_than_one_context_is_refused(total):
    with pytest.raises(DataError, match=r"give 130 tokens or more$"):
        windows(total, 64, folds=2)


def test_settings_that_cannot_work_are_refused():
    for folds in (1, 0, -3):
        with pytest.raises(ConfigError, match=r"^task\.folds: .*give 2 or more$"):
            windows(5000, 16, folds=folds)
    with pytest.raises(ConfigError, match=r"^task\.evaluation_tokens: 15 .*give 16 or more$"):
        windows(5000, 16, evaluation_tokens=15)


def test_a_last_window_with_too_few_tokens_is_filled_with_weight_zero():
    held = np.arange(100, 110)  # nine targets
    layout = Windows([Pool([np.arange(50)], 1.0)], held, 4, "text")
    ((rows, weights),) = layout.evaluation(8)
    assert rows.shape == (3, 5)
    assert weights.tolist() == [[1.0] * 4, [1.0] * 4, [1.0, 0.0, 0.0, 0.0]]
    assert rows[:, 1:][weights > 0].tolist() == list(range(101, 110))


def test_of_several_pools_each_gives_its_share_and_the_rest_stays_where_it_was():
    base, other, third = np.arange(5000), np.arange(10_000, 12_000), np.arange(20_000, 21_000)
    alone = Windows([Pool([base], 1.0)], base[:17], 16, "text")
    pools = [Pool([base], 0.5), Pool([other[:900], other[900:]], 0.3), Pool([third], 0.2)]
    mixed = Windows(pools, base[:17], 16, "text")
    rows = np.concatenate([mixed.batch(1, step, 64) for step in range(100)])
    plain = np.concatenate([alone.batch(1, step, 64) for step in range(100)])
    owner = rows[:, 0] // 10_000
    shares = np.bincount(owner) / len(owner)
    error = 4 * (0.5 * 0.5 / len(owner)) ** 0.5
    assert np.abs(shares - [0.5, 0.3, 0.2]).max() < error
    assert (rows[owner == 0] == plain[owner == 0]).all()
    assert (np.diff(rows) == 1).all(), "no window crosses a gap"
    assert not ((rows[:, 0] < 10_900) & (rows[:, -1] >= 10_900)).any()


def test_a_pool_without_a_window_is_refused():
    with pytest.raises(DataError, match=r"has no 17 tokens in a row; lower dims\.context"):
        Windows([Pool([np.arange(16), np.arange(10)], 1.0)], np.arange(17), 16, "text")

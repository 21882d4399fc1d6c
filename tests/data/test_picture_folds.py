"""Folds of pictures: who is learned from, who is scored, in which order."""

import numpy as np
import pytest

from partbench.core.errors import ConfigError, DataError
from partbench.core.rng import TUNING_SEEDS
from partbench.data.corpora import Corpus
from partbench.data.picture_folds import PictureFolds
from partbench.data.pictures import Pictures


def pictures(groups: list[int], num_test: int = 0) -> Pictures:
    count = len(groups)
    return Pictures(
        Corpus("made", 0, "", None),  # type: ignore[arg-type]
        np.zeros((count, 2, 2, 1), np.uint8),
        np.arange(count, dtype=np.uint8) % 3,
        np.array(groups, np.int64),
        ("a", "b", "c"),
        255,
        num_test,
    )


def folds(given: Pictures, **more) -> PictureFolds:
    settings = {"folds": 3, "holdout": "rotate", "evaluation_pictures": 1000, **more}
    return PictureFolds(given, **settings)


def test_nobody_is_learned_from_and_scored():
    made = folds(pictures([*range(10), *range(10)]))
    seen = []
    for seed in range(3):
        training, held_out = made.training(seed), made.held_out(seed)
        assert not set(training) & set(held_out)
        assert len(training) + len(held_out) == 20
        assert made.fold(seed) == seed
        seen += held_out.tolist()
    assert sorted(seen) == list(range(20)), "each picture is scored by one fold"


def test_what_belongs_together_stays_in_one_fold():
    groups = [4, 0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 4]
    made = folds(pictures(groups))
    for seed in range(3):
        inside = {groups[i] for i in made.held_out(seed)}
        assert not inside & {groups[i] for i in made.training(seed)}


def test_every_picture_comes_once_before_any_comes_again():
    made = folds(pictures(list(range(30))))
    known = set(made.training(1).tolist())
    assert len(known) == 20
    drawn = np.concatenate([made.drawn(1, step, 8) for step in range(5)])
    assert set(drawn[:20].tolist()) == set(drawn[20:].tolist()) == known
    assert drawn[:20].tolist() != drawn[20:].tolist(), "another order each round"


def test_a_batch_does_not_depend_on_what_was_asked_before():
    one, other = folds(pictures(list(range(30)))), folds(pictures(list(range(30))))
    asked = [(seed, step) for seed in (0, 1, 5) for step in (0, 3, 7)]
    first = {key: one.drawn(*key, 6).tolist() for key in asked}
    assert first == {key: other.drawn(*key, 6).tolist() for key in reversed(asked)}
    assert first[0, 0] != first[1, 0]


def test_the_test_pictures_decide_and_are_never_tuned_on():
    made = folds(pictures(list(range(30)), num_test=6), holdout="test")
    assert made.held_out(2).tolist() == list(range(24, 30))
    assert made.training(2).tolist() == list(range(24))
    assert made.fold(2) == 3
    tuned = TUNING_SEEDS + 1
    assert tuned >= TUNING_SEEDS
    assert max(made.held_out(tuned)) < 24
    assert max(made.training(tuned)) < 24
    assert not set(made.held_out(tuned)) & set(made.training(tuned))


def test_without_test_pictures_of_its_own_the_last_fold_of_all_is_the_test():
    made = folds(pictures(list(range(30))), holdout="test")
    assert made.held_out(1).tolist() == list(range(20, 30))
    assert made.training(1).tolist() == list(range(20))
    assert max(made.held_out(TUNING_SEEDS)) < 20


def test_test_pictures_of_the_set_are_in_no_fold():
    made = folds(pictures(list(range(30)), num_test=6))
    assert all(max(made.held_out(seed)) < 24 for seed in range(3))
    assert all(max(made.training(seed)) < 24 for seed in range(3))


def test_no_more_are_scored_than_asked_and_these_are_spread():
    made = folds(pictures(list(range(300))), evaluation_pictures=10)
    assert made.held_out(0).tolist() == list(range(0, 100, 10))


def test_the_last_fold_stays_the_last():
    made = folds(pictures(list(range(30))), holdout="last")
    assert [made.fold(seed) for seed in range(4)] == [2] * 4


@pytest.mark.parametrize(
    ("more", "kind", "says"),
    [
        ({"folds": 1}, ConfigError, "task.folds: 1"),
        ({"folds": 31}, DataError, "lower task.folds to 30 or less"),
        ({"evaluation_pictures": 0}, ConfigError, "task.evaluation_pictures: 0"),
    ],
)
def test_what_cannot_work_is_refused(more, kind, says):
    with pytest.raises(kind, match=says):
        folds(pictures(list(range(30))), **more)

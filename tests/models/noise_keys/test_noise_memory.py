"""What is learned adds up: online equals batch, unlearning restores, memory is as stated."""

import numpy as np
import pytest

from partbench.core.errors import DataError
from partbench.models.noise_keys import generator
from partbench.models.noise_keys.digits import Metric
from partbench.models.noise_keys.index import DigitIndex
from partbench.models.noise_keys.memory import Memory, Shape, Steps, ages
from partbench.models.noise_keys.noises import Noises, centres, proposed
from partbench.models.noise_keys.tables import random_keys
from partbench.models.noise_keys.tally import Tally, mixed

VOCAB = 20


def memory(code_digits=0, **shape):
    keys = random_keys(0, [str(t) for t in range(VOCAB)], 3, 6)
    return Memory(keys, Noises(6, code_digits), Shape(**{"order": 3, "thin": 2, **shape}))


def steps(number, seed=0, time=9):
    tokens = np.random.default_rng(seed).integers(0, VOCAB, (number, time + 1))
    return Steps(tokens[:, :-1], tokens[:, 1:], np.ones((number, time), bool))


def rows(some, place):
    return Steps(*(item[place] for item in some))


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(
        one.arrays().values(), other.arrays().values(), strict=True))  # fmt: skip


@pytest.mark.parametrize("code_digits", [0, 4])
@pytest.mark.parametrize("through", ["token", "codes"])
def test_one_pair_at_a_time_in_any_order_equals_all_at_once(code_digits, through):
    all_ = steps(12)
    at_once, online = (memory(code_digits, through=through) for _ in range(2))
    at_once.learn(all_)
    for row in np.random.default_rng(3).permutation(12):
        online.learn(rows(all_, slice(row, row + 1)))
    assert same(at_once, online)


@pytest.mark.parametrize("code_digits", [0, 4])
def test_unlearning_restores_the_former_state_to_the_bit(code_digits):
    known, more = steps(8), steps(3, seed=1)
    before, after = memory(code_digits), memory(code_digits)
    before.learn(known)
    after.learn(rows(more, slice(0, 1)))
    after.learn(known)
    after.learn(rows(more, slice(1, 3)))
    after.learn(more, -1)
    assert same(before, after)
    after.learn(known, -1)
    assert same(after, memory(code_digits))


def test_what_was_never_learned_cannot_be_unlearned_and_nothing_changes():
    held, twin = memory(), memory()
    held.learn(steps(4))
    twin.learn(steps(4))
    with pytest.raises(DataError, match="nothing was changed"):
        held.learn(steps(1, seed=9), -1)
    assert same(held, twin)


def test_memory_is_that_of_the_formula():
    held = memory()
    for seed in range(3):
        held.learn(steps(10, seed))
        assert held.nbytes == held.memory_formula()
    assert held.nbytes < 8 * 10 * 9 * 3 * 4 * 8 * 4  # at most four numbers a gram, order and step


def test_the_closed_form_takes_every_token_to_every_other_exactly():
    held = memory()
    a, b = (x.ravel() for x in np.meshgrid(range(VOCAB), range(VOCAB)))
    noise = held.noises.between(held.keys[a], held.keys[b])
    assert (held.noises.applied(held.keys[a], noise) == held.keys[b]).all()
    index = DigitIndex(Metric("digits", 3, 6), held.keys)
    assert (index.query(held.noises.applied(held.keys[a], noise))[0][:, 0] == b).all()


def test_random_proposals_find_noise_too_and_the_closed_form_saves_them():
    held = memory()
    index = DigitIndex(Metric("digits", 3, 6), held.keys)
    a, b = held.keys[np.arange(10)], np.arange(10, 20)
    noise, took = proposed(index, a, b, 400, seed=0)
    hit = took <= 400
    assert hit.mean() > 0.8
    assert (index.query((a - noise)[hit] % 10**6)[0][:, 0] == b[hit]).all()
    assert took[hit].mean() > 4  # about one proposal a token of the vocabulary; the closed form: 0


def test_codes_are_cells_and_their_centres_the_mean_of_their_noises():
    noises = Noises(4, 3)
    noise = np.array([[1234, 5678], [1267, 5601], [9999, 0]])
    codes, left = noises.cut(noise)
    assert codes[0] == codes[1] != codes[2]  # two digits of the first coordinate, one of the other
    assert (left[0] == [1234 - 1250, 5678 - 5500]).all()
    book = Tally(1, 3)
    amounts = np.concatenate([np.ones((3, 1), np.int64), noise], axis=1)
    book.put(book.with_added(codes[:, None], amounts, 1))
    assert [1250, 5639] in centres(book).tolist()
    every, none = Noises(4, 0).cut(noise)
    assert len(set(every.tolist())) == 3
    assert not none.any()


def test_generated_noise_is_ridge_regression_on_the_window():
    held = memory(window=2)
    some = steps(60)
    held.learn(some)
    signed = held.keys[some.inputs] - held.keys[some.outputs]
    x = generator.features(held.keys[some.inputs], signed, 2, 10**6) / generator.SCALE
    x = x.reshape(-1, x.shape[-1])
    y = np.rint(signed / 10**6 * generator.SCALE).reshape(len(x), -1) / generator.SCALE
    n = len(x)
    expected = np.linalg.solve(x.T @ x + generator.RIDGE * n * np.eye(x.shape[1]), x.T @ y)
    fit = generator.solved(held.xx, held.xy)
    assert fit.weights[:, :3] == pytest.approx(expected, abs=1e-9)
    assert fit.deviation[:3] == pytest.approx((y - x @ expected).std(0), rel=0.01)


def test_ages_count_how_long_a_code_has_lasted():
    assert ages(np.array([[5, 5, 7, 7, 7, 5]])).tolist() == [[1, 2, 1, 2, 3, 1]]


def test_fingerprints_tell_order_and_do_not_repeat():
    a, b = np.meshgrid(np.arange(300), np.arange(300))
    assert len(np.unique(mixed(a, b))) == 90_000
    assert mixed(np.array(1), np.array(2)) != mixed(np.array(2), np.array(1))


def test_random_keys_depend_on_the_token_alone_so_a_table_can_grow():
    few, many = (random_keys(7, names, 2, 8) for names in (["b", "a"], ["a", "b", "c"]))
    assert (few == many[[1, 0]]).all()
    assert (random_keys(8, ["a"], 2, 8) != many[0]).any()
    wide = random_keys(0, [str(t) for t in range(4000)], 1, 8) / 10**8
    assert abs(wide.mean() - 0.5) < 0.02
    assert abs(wide.std() - 12**-0.5) < 0.01

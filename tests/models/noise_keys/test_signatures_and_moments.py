"""Signatures, layer by layer and token by token; moments that are exact; who stops where."""

import numpy as np
import pytest

from partbench.core.errors import ConfigError
from partbench.models.noise_keys.moments import (
    Intended,
    Kernel,
    Middle,
    identity,
    may_stop,
    mismatch,
)
from partbench.models.noise_keys.signatures import Growing, between, signature, unfolded


def keys(time, axes=2, seed=0):
    return np.random.default_rng(seed).random((time, axes))


def test_the_pyramid_and_the_full_set_of_pairs_are_those_of_the_note():
    w, x, y, z = keys(4, 1)[:, 0]
    column = np.array([[w], [x], [y], [z]])
    f = [abs(w - x) / 2, abs(x - y) / 2, abs(y - z) / 2]
    assert between(column, "pyramid", 0, "half_difference")[:, 0] == pytest.approx(f)
    g = [abs(f[0] - f[1]) / 2, abs(f[1] - f[2]) / 2]
    assert between(column, "pyramid", 1, "half_difference")[:, 0] == pytest.approx(g)
    assert between(column, "pyramid", 9, "half_difference")[:, 0] == pytest.approx(
        [abs(g[0] - g[1]) / 2]
    )
    full = between(column, "full", 0, "half_difference")[:, 0]
    pairs = [abs(w - x), abs(w - y), abs(w - z), abs(x - y), abs(x - z), abs(y - z)]
    assert full == pytest.approx(np.array(pairs) / 2)
    assert between(column, "pyramid", 0, "mean")[0, 0] == pytest.approx((w + x) / 2)


def test_a_scattershot_takes_some_places_and_always_the_same():
    one, two = (between(keys(12), "scattershot", 0, "mean") for _ in range(2))
    assert one.shape == (6, 2)
    assert np.array_equal(one, two)


@pytest.mark.parametrize("pair", ["half_difference", "mean"])
@pytest.mark.parametrize("time", [1, 2, 3, 9])
def test_token_by_token_equals_recomputation(pair, time):
    sentence = keys(time, 3)
    grown = Growing(4, 3, pair)
    for key in sentence:
        grown.append(key)
    for layer in (-1, 0, 2, 4):
        whole = signature(sentence, "pyramid", layer, pair)
        assert grown.signature(layer) == pytest.approx(whole, abs=1e-7)


def test_a_layer_is_unfolded_by_signs_that_snap_to_keys():
    table = keys(30, 2, seed=3)
    tokens = np.array([4, 9, 9, 0, 21])
    numbers = between(table[tokens], "pyramid", 0, "half_difference")
    assert unfolded(numbers, table[4], table).tolist() == tokens.tolist()
    assert unfolded(numbers + 0.01, table[4], table) is None


def test_an_unknown_kind_is_refused():
    with pytest.raises(ConfigError, match="pyramid, full, scattershot"):
        signature(keys(3), "tower", 0)


def test_the_moments_of_b_are_exactly_those_of_a_and_n():
    a, b = keys(50), keys(50, seed=1)
    mean, variance = identity(a, a - b)
    assert mean == pytest.approx(b.mean(0), abs=1e-14)
    assert variance == pytest.approx(b.var(0), abs=1e-14)


def test_the_identity_does_not_hold_for_noise_that_was_wrapped():
    """The note's identity needs signed noise; n mod 1, which keys are made of, breaks it."""
    a, b = keys(50), keys(50, seed=1)
    assert np.abs(identity(a, (a - b) % 1)[0] - b.mean(0)).max() > 0.1


def test_the_middle_layer_predicts_one_pair_exactly_and_forgets_it_exactly():
    a, b = (np.rint(keys(6, seed=s) * 10**6).astype(np.int64) for s in (0, 1))
    middle = Middle(2)
    middle.add(a, a - b, (6, 6))
    wanted = middle.intended(a / 10**6, 10**6)
    assert wanted.mean == pytest.approx(b.mean(0) / 10**6, abs=1e-9)
    assert wanted.variance == pytest.approx((b / 10**6).var(0), abs=1e-9)
    assert (wanted.length, wanted.shortest, wanted.longest) == (6, 6, 6)
    before = middle.sums
    middle.add(b[:5], b[:5] - a[:5], (5, 9))
    middle.add(b[:5], b[:5] - a[:5], (5, 9), -1)
    assert (middle.sums == before).all()
    assert middle.lengths == {(6, 6): 1}


def test_the_kernel_gives_a_known_input_back_its_output():
    inputs = [keys(4, seed=s) for s in range(6)]
    outputs = [keys(2 + s, seed=9 + s) for s in range(6)]
    kernel = Kernel(inputs, outputs, "pyramid", 0, count=1)
    wanted = kernel.intended(inputs[3])
    assert wanted.mean == pytest.approx(outputs[3].mean(0))
    assert wanted.variance == pytest.approx(outputs[3].var(0))
    assert wanted.shortest == wanted.longest == 5
    _, weight = Kernel(inputs, outputs, "full", 0, count=4).nearest(keys(4, seed=50))
    assert weight.sum() == pytest.approx(1)
    assert (np.diff(weight) <= 0).all()


def test_nobody_stops_before_the_shortest_or_after_the_longest():
    wanted = Intended(np.full(2, 0.5), np.full(2, 0.04), 3.0, 2, 4)
    gap = mismatch(np.array([[0.5, 0.5], [0.9, 0.5]]), np.full((2, 2), 0.04), wanted)
    assert gap == pytest.approx([0, 0.2])
    assert may_stop(1, gap, wanted, 0.1).tolist() == [False, False]
    assert may_stop(2, gap, wanted, 0.1).tolist() == [True, False]
    assert may_stop(4, gap, wanted, 0.1).tolist() == [True, True]

"""The digit index equals brute force to the bit, whatever was put in and taken out, and how."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from partbench.core.errors import CheckpointError, ConfigError, DataError
from partbench.models.noise_keys.digits import Metric, brute_force
from partbench.models.noise_keys.index import DigitIndex

KINDS = ("digits", "numeric", "gray")


def some_keys(number, axes, seed=0):
    """Uniform keys with a crowded corner, keys in steps, and keys that are all the same."""
    rng = np.random.default_rng(seed)
    keys = rng.integers(0, 10**8, (number, axes))
    keys[number // 4 : number // 3] //= 10**6
    keys[: number // 10] = keys[0]
    keys[number // 2 : number // 2 + 20] = keys[number // 2] // 10**4 * 10**4
    return keys


def asked(keys, number, seed=1):
    rng = np.random.default_rng(seed)
    near = keys[rng.integers(0, len(keys), number // 2)] + rng.integers(-50, 50, (number // 2, 1))
    wild = rng.integers(0, 10**8, (number - len(near), keys.shape[1]))
    return np.concatenate([near.clip(0, 10**8 - 1), wild])


def check(index, metric, keys, alive, queries, top):
    rows, distance = index.query(queries, top)
    expected, least = brute_force(metric, queries, keys[alive], top)
    assert (distance == least).all()
    assert (rows == alive[expected]).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("axes", [1, 2, 4, 8])
@pytest.mark.parametrize("top", [1, 3])
def test_it_equals_brute_force(kind, axes, top):
    metric = Metric(kind, axes)
    keys = some_keys(400, axes)
    index = DigitIndex(metric, keys, slots=8)
    check(index, metric, keys, np.arange(400), asked(keys, 120), top)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("axes", [1, 5])
def test_it_equals_brute_force_after_insertions_and_deletions(kind, axes):
    metric = Metric(kind, axes)
    keys = some_keys(300, axes)
    index = DigitIndex(metric, keys[:100], slots=4, max_kicks=3)
    assert index.insert(keys[100:250]).tolist() == list(range(100, 250))
    dead = np.random.default_rng(2).permutation(250)[:90]
    index.delete(dead)
    index.insert(keys[250:])
    alive = np.setdiff1d(np.arange(300), dead)
    assert len(index) == 210
    assert any(group.buckets.moved for group in index.groups), "no key was ever displaced"
    check(index, metric, keys, alive, asked(keys, 80), 2)


@pytest.mark.slow
@pytest.mark.parametrize("axes", [1, 2, 4, pytest.param(8, marks=pytest.mark.long)])
def test_it_equals_brute_force_on_a_hundred_thousand_queries(axes):
    """A third of them in each metric."""
    keys = some_keys(60, axes)
    for kind in KINDS:
        metric = Metric(kind, axes)
        index = DigitIndex(metric, keys, slots=4)
        check(index, metric, keys, np.arange(60), asked(keys, 33_334), 1)


@pytest.mark.parametrize("fade", [0.9, 0.05])
def test_any_fade_and_closeness_is_exact(fade):
    metric = Metric("digits", 2, 5, fade, 3.0)
    keys = np.random.default_rng(0).integers(0, 10**5, (500, 2))
    queries = np.random.default_rng(1).integers(0, 10**5, (60, 2))
    check(DigitIndex(metric, keys), metric, keys, np.arange(500), queries, 2)


def test_like_keys_are_at_most_one_bucket_from_home():
    keys = some_keys(600, 2)
    index = DigitIndex(Metric("digits", 2), keys[:0], slots=4)
    index.insert(keys)
    buckets = index.groups[0].buckets
    for key in range(len(keys)):
        home = int(buckets.home.data[key])
        near = [home, buckets._beside(home, 1), buckets._beside(home, -1)]
        rows = [row for leaf in near if leaf >= 0 for row in buckets._rows(leaf)]
        assert buckets.place.data[key] // buckets.width in rows


def test_displacement_fills_buckets_better_than_splitting_alone():
    keys = np.random.default_rng(0).integers(0, 10**8, (800, 1))
    loads = []
    for kicks in (0, 4):
        index = DigitIndex(Metric("digits", 1), keys[:0], slots=8, max_kicks=kicks)
        index.insert(keys)
        loads.append(index.load)
    assert loads[1] > loads[0]


def test_more_probes_find_more_and_all_find_everything():
    keys = some_keys(2000, 4)
    index = DigitIndex(Metric("digits", 4), keys)
    queries = asked(keys, 200)
    found = [index.recall(queries, probes) for probes in (1, 8, 2000)]
    assert 0.3 < found[0] <= found[1] <= found[2] == 1


def test_fewer_keys_than_asked_for_are_said_to_be_missing():
    index = DigitIndex(Metric("digits", 1), np.array([[5], [7]]))
    rows, _ = index.query(np.array([[6]]), 3)
    assert rows.tolist() == [[0, 1, -1]]
    empty = DigitIndex(Metric("digits", 1), np.zeros((0, 1), np.int64))
    assert empty.query(np.array([[6]]))[0].tolist() == [[-1]]


@pytest.mark.parametrize("axes", [1, 8])
def test_its_memory_is_that_of_the_formula(axes):
    index = DigitIndex(Metric("digits", axes), some_keys(500, axes))
    assert index.nbytes == index.memory_formula()
    index.insert(some_keys(60, axes, 5))
    assert index.nbytes == index.memory_formula()


def test_saved_and_loaded_it_answers_alike(tmp_path):
    keys = some_keys(300, 2)
    index = DigitIndex(Metric("gray", 2, fade=0.5), keys, slots=8)
    index.delete(np.arange(40))
    index.save(tmp_path / "index.safetensors")
    loaded = DigitIndex.load_from(tmp_path / "index.safetensors")
    assert loaded.metric == index.metric
    queries = asked(keys, 60)
    assert (loaded.query(queries)[0] == index.query(queries)[0]).all()


def test_a_damaged_file_is_refused(tmp_path):
    path = tmp_path / "index.safetensors"
    for content in (b"", b"no tensors"):
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match="no digit index"):
            DigitIndex.load_from(path)
    save_file({"numbers": np.zeros((1, 1), np.int64)}, path, metadata={"index": json.dumps({})})
    with pytest.raises(CheckpointError):
        DigitIndex.load_from(path)


def test_what_cannot_be_is_refused():
    metric = Metric("digits", 1, 4)
    index = DigitIndex(metric, np.array([[5]]))
    for wrong in (np.array([[10**4]]), np.array([[-1]]), np.array([[0.5]]), np.array([[1, 2]])):
        with pytest.raises(DataError):
            index.insert(wrong)
    with pytest.raises(DataError, match="no key 3"):
        index.delete(np.array([3]))
    with pytest.raises(ConfigError):
        index.query(np.array([[5]]), probes=0)
    with pytest.raises(ConfigError):
        DigitIndex(metric, np.array([[5]]), slots=0)

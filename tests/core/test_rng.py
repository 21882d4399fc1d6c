"""Named random streams: a number depends on the seed and its name, on nothing else."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from partbench.core import rng

NAMES = st.lists(
    st.one_of(st.integers(0, 999), st.text("ab/\\", max_size=4)), min_size=1, max_size=3
)


def test_a_draw_has_these_bits_for_ever() -> None:
    # Whoever changes these changes every result: raise core.cell.EPOCH and say so in CHANGELOG.
    found = rng.normal(3, "mixers.0.query.weight", (2, 2)).flatten()
    assert found.dtype == np.float32
    assert [float(x).hex() for x in found] == [
        "0x1.c91dfc0000000p-2",
        "0x1.e454ae0000000p-2",
        "0x1.07daa00000000p-1",
        "0x1.8529300000000p+0",
    ]


@given(st.integers(0, 2**31), NAMES)
def test_the_same_name_gives_the_same_bits(seed: int, names: list[str | int]) -> None:
    first = rng.stream(seed, *names).integers(0, 2**63, 8)
    np.random.default_rng(0).random(3)
    assert (rng.stream(seed, *names).integers(0, 2**63, 8) == first).all()


@given(st.lists(st.tuples(st.integers(0, 99), NAMES.map(tuple)), min_size=2, max_size=2))
def test_another_seed_or_name_is_another_stream(pair: list[tuple[int, tuple[str | int]]]) -> None:
    (one, names), (other, others) = pair
    same = one == other and tuple(map(str, names)) == tuple(map(str, others))
    assert (rng.key(one, *names) == rng.key(other, *others)) is same


def test_a_slash_in_a_name_does_not_join_two_streams() -> None:
    assert rng.key(1, "a/b") != rng.key(1, "a", "b")
    assert rng.key(1, "") != rng.key(1)


def test_the_shape_is_part_of_a_parameters_name() -> None:
    draws = [rng.normal(0, "w", shape).flatten()[:6] for shape in ((6,), (2, 3), (3, 2), (7,))]
    for one, other in itertools.combinations(draws, 2):
        assert not np.array_equal(one, other)


def test_draws_are_standard_normal_and_independent_between_names() -> None:
    one, other = rng.normal(0, "a", (100_000,)), rng.normal(0, "b", (100_000,))
    assert abs(one.mean()) < 0.02
    assert one.std() == pytest.approx(1, abs=0.02)
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.02


def test_numpys_global_state_is_untouched() -> None:
    np.random.seed(0)
    before = np.random.get_state()[1].copy()
    rng.normal(0, "a", (5,))
    rng.uniform_seed(0, "b")
    assert (np.random.get_state()[1] == before).all()


@given(st.integers(0, 2**31), NAMES)
def test_a_library_seed_fits_sixty_three_bits(seed: int, names: list[str | int]) -> None:
    assert 0 <= rng.uniform_seed(seed, *names) < 2**63

"""Schedules: values worked out by hand, and the shape each is named for."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partbench.core import menu
from partbench.core.config import Config
from partbench.core.errors import ConfigError
from partbench.optim.schedules.cosine import Cosine
from partbench.optim.schedules.linear import LinearToZero
from partbench.optim.schedules.wsd import WarmupStableDecay

ALL = [LinearToZero, Cosine, WarmupStableDecay]


def values(schedule: object, steps: int = 100) -> list[float]:
    return [schedule.multiplier(step, steps) for step in range(steps)]  # type: ignore[attr-defined]


def test_linear_by_hand() -> None:
    found = values(LinearToZero(warmup=0.1))
    assert found[0] == pytest.approx(0.5 / 10)
    assert found[9] == pytest.approx(9.5 / 10)
    assert found[10] == pytest.approx(1 - 0.5 / 90)
    assert found[99] == pytest.approx(0.5 / 90)


def test_cosine_by_hand() -> None:
    found = values(Cosine(warmup=0.1, floor=0.2))
    assert found[0] == pytest.approx(0.05 * 1.0)
    assert found[9] == pytest.approx(0.95)
    assert found[54] == pytest.approx(0.6 + 0.4 * math.cos(math.pi * 44.5 / 90))
    assert found[99] == pytest.approx(0.2, abs=1e-4)
    assert found[99] > 0.2


def test_wsd_by_hand() -> None:
    found = values(WarmupStableDecay(warmup=0.1, decay=0.2))
    assert found[0] == pytest.approx(0.05)
    assert found[9] == pytest.approx(0.95)
    assert found[10:80] == [1.0] * 70
    assert found[80] == pytest.approx(1 - math.sqrt(0.5 / 20))
    assert found[99] == pytest.approx(1 - math.sqrt(19.5 / 20))


@pytest.mark.parametrize("kind", ALL)
def test_the_first_step_warms_up_whatever_comes_after(kind: type) -> None:
    assert values(kind(warmup=0.3))[0] == pytest.approx(0.5 / 30)
    assert values(kind(warmup=0.0))[0] > 0.9


SHARES = st.floats(0, 0.99)


@given(kind=st.sampled_from(ALL), warmup=st.floats(0, 0.8), steps=st.integers(1, 300))
def test_the_rate_rises_once_falls_once_and_is_never_zero(
    kind: type, warmup: float, steps: int
) -> None:
    check_shape(values(kind(warmup=warmup), steps))


@given(warmup=SHARES, decay=st.floats(0, 1), steps=st.integers(1, 300))
def test_wsd_keeps_its_shape_or_is_refused_where_warm_up_and_decay_overlap(
    warmup: float, decay: float, steps: int
) -> None:
    if warmup + decay > 1:
        with pytest.raises(ConfigError, match=r"schedule\.decay"):
            WarmupStableDecay(warmup=warmup, decay=decay)
        return
    found = values(WarmupStableDecay(warmup=warmup, decay=decay), steps)
    check_shape(found)
    for step, value in enumerate(found):
        if step + 0.5 < warmup * steps:
            assert value == pytest.approx((step + 0.5) / (warmup * steps)), "warm-up is skipped"


@given(warmup=SHARES, floor=st.floats(0, 1), steps=st.integers(1, 300))
def test_cosine_ends_at_its_floor_and_never_below(warmup: float, floor: float, steps: int) -> None:
    found = values(Cosine(warmup=warmup, floor=floor), steps)
    check_shape(found)
    after = [value for step, value in enumerate(found) if step + 0.5 >= warmup * steps]
    assert all(value >= floor - 1e-12 for value in after)


def check_shape(found: list[float]) -> None:
    top = found.index(max(found))
    assert all(0 < value <= 1 for value in found)
    assert all(a <= b + 1e-12 for a, b in pairwise(found[: top + 1]))
    assert all(a + 1e-12 >= b for a, b in pairwise(found[top:]))


@pytest.mark.parametrize("part", menu.names("schedule"))
@pytest.mark.parametrize("warmup", [-0.1, 1.0, 5.0])
def test_a_warm_up_that_is_no_share_of_the_run_is_refused(part: str, warmup: float) -> None:
    with pytest.raises(ConfigError, match=rf"schedule\.warmup: {warmup}"):
        assert Config({"schedule": {"part": part, "warmup": warmup}}).resolved


@pytest.mark.parametrize("decay", [-0.1, 1.1])
def test_a_decay_that_is_no_share_of_the_run_is_refused(decay: float) -> None:
    with pytest.raises(ConfigError, match=rf"schedule\.decay: {decay}"):
        assert Config({"schedule": {"part": "wsd", "decay": decay}}).resolved

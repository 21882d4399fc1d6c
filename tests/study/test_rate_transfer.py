"""The arithmetic of the transfer check: slopes, best rates, and what counts as passed."""

import math

import pytest

from partbench.core.config import Config
from partbench.core.errors import ConfigError
from partbench.study.rate_transfer import Plan, best, beyond, judge, slope

GRID = [2.0**k for k in range(-3, 4)]


def plan(**changes) -> Plan:
    settings = {
        "base": Config({}), "widths": (32, 64), "depths": (2, 4), "steps": 3, "rates": 3,
        "seeds": (1,),
    }  # fmt: skip
    return Plan(**{**settings, **changes})


def bowl(at: float, size: float = 1.0) -> dict[float, float]:
    return {rate: 2 + size * (math.log2(rate) - at) ** 2 for rate in GRID}


def test_a_slope_is_doublings_a_doubling() -> None:
    assert slope({32: 1.0, 64: 2.0, 128: 4.0}) == pytest.approx(1)
    assert slope({2: 3.0, 4: 3.0, 8: 3.0}) == pytest.approx(0)
    assert slope({2: 8.0, 8: 2.0}) == pytest.approx(-1)


@pytest.mark.parametrize("value", [math.nan, math.inf, 0.0])
def test_what_is_no_movement_has_no_flat_slope(value: float) -> None:
    assert slope({32: 1.0, 64: value}) == math.inf


@pytest.mark.parametrize("at", [-1.9, 0.0, 0.3, 1.5])
def test_the_best_rate_is_found_between_the_grids_points(at: float) -> None:
    assert best(bowl(at)) == (pytest.approx(at), False)


def test_a_rate_that_diverges_is_no_best_and_does_not_bend_the_bowl() -> None:
    scores = {**bowl(0.0), 2.0: math.inf}
    at, edge = best(scores)
    assert (at, edge) == (0.0, False)


@pytest.mark.parametrize("at", [-4.0, 5.0])
def test_the_edge_of_the_grid_is_said(at: float) -> None:
    assert best(bowl(at))[1]


FLAT = {"width": {32: 1.0, 64: 1.05}, "depth": {2: 1.0, 4: 0.95}}
STEEP = {"width": {32: 1.0, 64: 2.0}, "depth": {2: 1.0, 4: 2.0}}


def test_a_best_rate_at_the_edge_asks_for_the_next() -> None:
    falling = {1.0: 3.0, 2.0: 2.0, 4.0: 1.0}
    assert beyond(falling, 7) == 8.0
    assert beyond({rate: -score for rate, score in falling.items()}, 7) == 0.5
    assert beyond(falling, 3) is None
    assert beyond({1.0: 3.0, 2.0: 1.0, 4.0: 2.0}, 7) is None
    assert beyond(falling | {8.0: math.inf}, 7) is None


def test_flat_movement_passes_and_growing_movement_fails() -> None:
    assert judge("completep", FLAT, {})["passed"]
    assert not judge("standard", STEEP, {})["passed"]
    assert not judge("completep", STEEP, {})["passed"]


def test_shrinking_is_no_transfer_either() -> None:
    falling = {axis: {k: 1 / v for k, v in row.items()} for axis, row in STEEP.items()}
    assert not judge("completep", falling, {})["passed"]


def test_mup_is_not_held_to_depth() -> None:
    mixed = {"width": FLAT["width"], "depth": STEEP["depth"]}
    found = judge("mup", mixed, {})
    assert found["passed"]
    assert [row["promised"] for row in found["checks"]] == [True, False]
    assert not judge("completep", mixed, {})["passed"]


@pytest.mark.parametrize(
    ("other", "passed"), [(0.9, True), (-0.9, True), (1.1, False), (-1.5, False)]
)
def test_best_rates_may_lie_one_doubling_apart(other: float, passed: bool) -> None:
    swept = {"width": {32: bowl(0.0), 64: bowl(other)}}
    assert judge("mup", FLAT, swept)["passed"] is passed


def test_a_best_rate_at_the_edge_decides_nothing() -> None:
    found = judge("mup", FLAT, {"width": {32: bowl(3.0), 64: bowl(3.0)}})
    assert not found["passed"]
    assert "take more rates" in found["checks"][-1]["note"]
    assert found["checks"][-1]["inside"] is None
    inside = judge("mup", FLAT, {"width": {32: bowl(0.0), 64: bowl(1.0)}})["checks"][-1]
    assert inside["inside"] == inside["value"] == pytest.approx(1.0)


def test_the_first_sizes_are_the_base_and_heads_keep_their_width() -> None:
    dims = plan().sized("width", 64).resolved["dims"]
    assert (dims["base_width"], dims["base_depth"], dims["base_head_width"]) == (32, 2, 16)
    assert (dims["width"], dims["depth"], dims["head_width"]) == (64, 2, 16)
    assert plan().sized("depth", 4).resolved["dims"]["width"] == 32


def test_given_heads_grow_with_the_width() -> None:
    wider = plan(base=Config({"dims": {"num_heads": 2}})).sized("width", 64).resolved["dims"]
    assert (wider["num_heads"], wider["head_width"], wider["base_head_width"]) == (2, 32, 16)


def test_the_grid_is_around_the_configured_rate() -> None:
    base = Config({"optimizer": {"rate": 0.01}})
    assert plan(base=base, rates=5).grid == pytest.approx([0.0025, 0.005, 0.01, 0.02, 0.04])
    config = plan(base=base).trained("depth", 4, 0.02).resolved
    assert (config["optimizer"]["rate"], config["train"]["steps"]) == (0.02, 3)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"widths": (32,)}, "--widths 32"),
        ({"widths": (64, 32)}, "--widths 64,32"),
        ({"depths": (0, 2)}, "--depths 0,2"),
        ({"rates": 4}, "--rates 4"),
        ({"rates": 1}, "--rates 1"),
    ],
)
def test_sizes_that_show_nothing_are_refused(changes: dict, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        plan(**changes)

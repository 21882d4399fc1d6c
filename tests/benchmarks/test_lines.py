"""Figures beside goals: what is met, what is said, and the page that is made of them."""

import json
import math
from typing import Any

import pytest
from tests.structure.tree import ROOT


@pytest.fixture(autouse=True)
def _beside(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))


def line(**changes: Any) -> Any:
    from lines import Line

    return Line(**{"target": 5, "what": "decoding", "value": 1.6, "goal": 1.5, **changes})


@pytest.mark.parametrize(
    ("value", "goal", "at_least", "met"),
    [(1.5, 1.5, True, True), (1.49, 1.5, True, False), (1.1, 1.1, False, True),
     (1.11, 1.1, False, False), (3.0, None, True, None)],
)  # fmt: skip
def test_a_goal_is_met_from_its_own_side(value, goal, at_least, met):
    assert line(value=value, goal=goal, at_least=at_least).met is met


def test_the_ratio_comes_first_and_a_miss_is_loud():
    said = str(line(value=1.2, low=1.1, high=1.3, why="for want of kernels"))
    assert said.startswith("1.2 [1.1, 1.3]x")
    assert "MISSED" in said
    assert said.endswith("for want of kernels")
    assert str(line(unit="ms", goal=None)).startswith("1.6 ms")


def test_what_is_compared_is_slow_over_fast():
    from lines import compared

    from partbench.measure.timing import Timings

    timings = Timings({"fast": [[1.0, 1.0], [2.0, 2.0]], "slow": [[3.0, 3.0], [6.0, 6.0]]})
    found = compared(timings, "slow", "fast", target=1, what="step", goal=1.5)
    assert (found.value, found.low, found.high) == pytest.approx((3.0, 3.0, 3.0))
    assert found.count == 4


def test_the_exponent_is_the_slope_of_the_logarithms():
    from lines import exponent

    assert exponent({n: 2e-6 * n**1.3 for n in (1e5, 1e6, 1e8)}) == pytest.approx(1.3)
    assert math.isnan(exponent({1e5: 1.0}))


def test_a_profile_puts_every_operation_into_one_kind():
    from step_profile import kind_of

    names = {"mm": "matrix products", "baddbmm": "matrix products", "silu_backward": "gate",
             "_fused_adamw_": "optimiser", "_foreach_norm": "optimiser", "add": "sums and products",
             "addmm": "matrix products", "unheard_of": "the rest"}  # fmt: skip
    assert {name: kind_of(name) for name in names} == names


def test_overheads_are_compared_less_one():
    from targets import residual, streams_floor

    row = {"steps": 24, "seconds_per_step": 1.0, "ratio_low": 1.0, "ratio_high": 1.0}
    ratios = {"pre_norm": 1.0, "dynamic_mhc": 1.4, "package mhc": 2.2}
    answer = {
        "variants": {name: {**row, "ratio": ratio} for name, ratio in ratios.items()},
        "shape": {"batch": 16, "context": 256, "width": 384, "depth": 6},
        "copy_rate": 10e9,
    }
    found = {one["what"]: one for one in residual(answer)}
    assert found["overhead of package mhc over that of dynamic_mhc"]["value"] == pytest.approx(3.0)
    dynamic = found["step with dynamic mHC over the plain residual's"]
    assert dynamic["met"] is False
    assert "GB/s" in streams_floor(dynamic, answer)


def test_the_index_is_judged_at_its_most_keys():
    from targets import index

    def row(keys: int, brute: float, own: float) -> dict[str, Any]:
        return {
            "coordinates": 1,
            "keys": keys,
            "microseconds": {"brute force": brute, "index": own},
        }

    answer = {
        "rows": [row(1000, 20.0, 5.0), row(10**6, 9000.0, 30.0)],
        "growth": {"1": {"index": 0.3}},
    }
    ratio, growth = index(answer)
    assert (ratio["value"], ratio["met"]) == (300.0, True)
    assert (growth["value"], growth["met"]) == (0.3, True)


@pytest.mark.slow
def test_the_page_is_made_of_what_is_kept_and_names_no_place(tmp_path, monkeypatch):
    import all as every
    from targets import TARGETS

    here = {"processor": "made up", "cores": 2, "torch": "2"}
    answer = {"machine": here, "date": "2026-01-02", "seconds_taken": 60.0}
    kept = tmp_path / "results" / "decoding.json"
    kept.parent.mkdir()
    lines = [line(low=1.5, high=1.7).tree, line(value=1.2, what="batch 16", why="copies").tree]
    kept.write_text(json.dumps({**answer, "lines": lines}))
    monkeypatch.setattr("sys.argv", ["all.py", "--page", "--folder", str(tmp_path)])
    every.main()
    page = (tmp_path / "RESULTS.md").read_text()
    assert "1 of 2 goals are met" in page
    assert "| 1.6 [1.5, 1.7]x | >= 1.5x | met |" in page
    assert "*Missed*, batch 16: copies." in page
    assert str(ROOT) not in page
    assert (tmp_path / "pictures" / "decoding.svg").read_text().startswith("<svg")
    assert {target.number for target in TARGETS.values()} == set(range(1, 11))

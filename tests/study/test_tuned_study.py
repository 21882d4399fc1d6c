"""Tuning: equal trials on seeds that judge nothing, a grid that widens for all, or no verdict."""

import math
from collections.abc import Callable
from typing import Any

import pytest
from tests.study.small import drive, swaps
from tests.study.test_answer import DIVERGED, FAILED, finished

from partbench.core.cell import Cell
from partbench.core.errors import ConfigError
from partbench.core.rng import TUNING_SEEDS
from partbench.study import tuning
from partbench.study.declared import Ladder, Tune, parse_tune
from partbench.study.tuning import read, settled, shared, trials

RATE = 1e-2


class Valley:
    """A ledger in which every score follows from the cell: a parabola in octaves of the rate."""

    def __init__(self, best: Callable[[Cell], float], only: set[str] | None = None) -> None:
        self.best = best
        self.only = only
        self.asked: list[Cell] = []

    def record(self, cell: Cell) -> dict[str, Any] | None:
        """A finished record whose score is least at the arm's best rate."""
        self.asked.append(cell)
        if self.only is not None and cell.id not in self.only:
            return None
        rate = cell.config["optimizer"]["rate"]
        away = math.log2(rate / self.best(cell))
        return finished(2.0 + 0.01 * away**2 + 0.001 * (cell.seed % 3))


def gated(cell: Cell) -> bool:
    """Whether the cell is the arm's."""
    return cell.config["model"]["ffn"]["part"] == "swiglu"


@pytest.fixture
def study(text):
    """Base and one arm with a grid of three multiples and two tuning seeds."""
    return swaps(text, "ffn=swiglu", tune={"seeds": 2}, looks=[3, 4])


def test_each_arm_gets_its_own_best_value_to_a_quarter_octave(study):
    found = read(study, Valley(lambda cell: RATE * (2**0.9 if gated(cell) else 2**-0.1)))
    assert found.factors == (0.5, 1.0, 2.0, 4.0)  # the arm's best was on the edge
    assert not found.pending
    assert not found.held_back
    assert found.best["base"] == 1.0
    assert found.best["ffn=swiglu"] == pytest.approx(2.0)
    asked = settled(study, found)
    assert asked.base.resolved["optimizer"]["rate"] == RATE
    assert asked.arms["ffn=swiglu"].resolved["optimizer"]["rate"] == pytest.approx(RATE * 2)
    assert asked.arms["ffn=swiglu"].resolved["model"]["ffn"]["part"] == "swiglu"


def test_an_arm_keeps_the_bases_value_where_the_trials_cannot_tell(study):
    class Noisy(Valley):
        def record(self, cell: Cell) -> dict[str, Any] | None:
            made = super().record(cell)
            luck = 0.02 * math.sin(cell.seed * 7.1 + 90 * cell.config["optimizer"]["rate"])
            return made | {"score": made["score"] + luck}

    near = read(study, Noisy(lambda cell: RATE * (2**0.55 if gated(cell) else 1.0)))
    assert near.best["ffn=swiglu"] == near.best["base"]
    assert near.optima["ffn=swiglu"].rate != near.optima["base"].rate


def test_tuning_seeds_judge_nothing_and_all_arms_get_the_same(study):
    jobs = trials(study, (0.5, 1.0, 2.0))
    seeds = {job.seed for job in jobs}
    assert seeds.isdisjoint(study.seeds(study.looks[-1]))
    assert min(seeds) == TUNING_SEEDS + study.first_seed
    by_arm = {
        arm: sorted(
            (job.seed, job.cell.config["optimizer"]["rate"]) for job in jobs if job.arm == arm
        )
        for arm in study.everyone
    }
    assert by_arm["base"] == by_arm["ffn=swiglu"]
    assert len(by_arm["base"]) == 6
    assert len({job.cell.id for job in jobs}) == 12


def test_an_edge_widens_the_grid_for_all_arms(study):
    """A bad guess of one arm costs every arm the same further trials."""
    found = read(study, Valley(lambda cell: RATE * (4.0 if gated(cell) else 1.0)))
    assert found.factors == (0.5, 1.0, 2.0, 4.0, 8.0)
    assert found.best == {"base": 1.0, "ffn=swiglu": 4.0}
    assert {len(rows) for rows in found.scores.values()} == {5}
    assert not found.held_back


def test_planted_bad_tuning_is_an_edge_and_never_a_verdict(study):
    """The arm declared at an eighth of its best rate and no room to widen: not `worse`."""
    narrow = swaps(study.base.resolved["task"]["corpus"], "ffn=swiglu", tune={"extensions": 0})
    found = read(narrow, Valley(lambda cell: RATE * (8.0 if gated(cell) else 1.0)))
    assert found.held_back == {"ffn=swiglu": "its best value lies on the high edge of the grid"}


def test_a_base_on_the_edge_holds_every_arm_back(study):
    found = read(study, Valley(lambda cell: RATE * (1.0 if gated(cell) else 2**-9)))
    assert found.factors[0] == 0.125
    assert found.held_back["ffn=swiglu"] == (
        "the base: its best value lies on the low edge of the grid"
    )


def test_missing_trials_leave_everything_open(study):
    some = {job.cell.id for job in trials(study, (0.5, 1.0, 2.0))[:5]}
    found = read(study, Valley(lambda cell: RATE, only=some))
    assert found.pending
    assert not found.best
    table = tuning.report(study, found)
    assert [arm["best"] for arm in table["arms"]] == [None, None]


def test_diverged_trials_close_the_grid_and_failed_ones_hold_back(study):
    class High(Valley):
        def record(self, cell: Cell) -> dict[str, Any] | None:
            if gated(cell) and cell.config["optimizer"]["rate"] > RATE:
                return DIVERGED
            return super().record(cell)

    found = read(study, High(lambda cell: RATE))
    assert found.factors == (0.5, 1.0, 2.0)
    assert found.best["ffn=swiglu"] == 1.0
    assert tuning.report(study, found)["arms"][1]["diverged"] == 2

    class Broken(Valley):
        def record(self, cell: Cell) -> dict[str, Any] | None:
            return FAILED if gated(cell) else super().record(cell)

    held = read(study, Broken(lambda cell: RATE)).held_back
    assert held == {"ffn=swiglu": f"a tuning run failed: {FAILED['reason']}"}


def test_an_arm_that_always_diverges_has_no_best_value(study):
    class Wild(Valley):
        def record(self, cell: Cell) -> dict[str, Any] | None:
            return DIVERGED if gated(cell) else super().record(cell)

    found = read(study, Wild(lambda cell: RATE))
    assert found.held_back == {"ffn=swiglu": "every tuning run diverged"}
    assert found.best["ffn=swiglu"] == 1.0


def test_the_shared_value_is_the_bases(study):
    found = read(study, Valley(lambda cell: RATE * (2.0 if gated(cell) else 1.0)))
    together = shared(study, found)
    assert together.arms["ffn=swiglu"].resolved["optimizer"]["rate"] == RATE
    assert shared(study, read(study, Valley(lambda cell: RATE))) is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("yes", r"tune: 'yes' is not a table; write it as \[tune\]"),
        ({"factor": [1, 2, 4]}, r"tune.factor: .*did you mean 'factors'"),
        ({"factors": [1, 2]}, "three or more multiples above zero"),
        ({"factors": [1, 2, 3]}, "do not rise by one common ratio"),
        ({"factors": "many"}, "not a list of numbers"),
        ({"seeds": 0}, "tune.seeds: 0 is below 1"),
        ({"seeds": 1.5}, "tune.seeds: 1.5 is not a whole number"),
        ({"extensions": -1}, "tune.extensions: -1 is negative"),
        ({"path": 3}, "tune.path: 3 is not a setting"),
    ],
)
def test_wrong_tuning_is_refused_in_one_line(given, said):
    with pytest.raises(ConfigError, match=said):
        parse_tune(given)


def test_a_setting_that_is_no_number_cannot_be_tuned(text):
    with pytest.raises(ConfigError, match=r"tune.path: model.ffn.part is 'mlp', not a number"):
        swaps(text, "norm=layernorm", tune={"path": "model.ffn.part"})


def test_settings_say_what_they_are():
    assert parse_tune(True) == Tune()
    assert parse_tune(False) is None
    with pytest.raises(ConfigError, match=r"ladder.rungs: 1 given"):
        Ladder(rungs=({},))


@pytest.mark.slow
def test_a_tuned_study_runs_whole(text, here, tmp_path):
    """Trials, pairs at the best values, the shared value, fresh pairs: each cell once."""
    study = swaps(
        text, "ffn=swiglu", tune={"factors": [0.25, 1, 4]}, looks=[3], confirm=3, margin="1e-9"
    )
    report = drive(study, tmp_path / "study")
    assert report["status"] == "complete"
    assert report["grade"] == "tuned"
    table = report["tuning"]
    assert table["trials"] == 2 * len(table["factors"])
    purposes = {cell["arm"] for cell in report["provenance"]["cells"]}
    assert {"base, tuning", "ffn=swiglu, tuning", "base", "ffn=swiglu"} <= purposes
    assert len(here.ran) == len(set(here.ran)) == report["totals"]["cells"]
    arm = report["arms"][0]
    held = table["arms"][0]["held_back"] or table["arms"][1]["held_back"]
    assert bool(held) == bool(arm["verdict"]["reason"])
    if arm["verdict"]["word"] == "better":
        assert arm["confirmation"]["pairs"] == 3
    before = len(here.ran)
    again = drive(study, tmp_path / "study")
    assert len(here.ran) == before
    assert {**again, "finished_at": None} == {**report, "finished_at": None}

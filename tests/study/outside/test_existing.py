"""A verdict on runs that exist says no more than their design allows."""

import math
import random
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from partbench.core.errors import ConfigError
from partbench.exchange.runs_table import RunsTable, TableRun
from partbench.report import markdown, pull_request, terminal
from partbench.report.charts.forest import forest
from partbench.report.write import data
from partbench.stats import sequential
from partbench.study.outside import existing
from partbench.study.outside.table_report import report


def runs(arm: str, scores: list[float | None], first_seed: int | None = 1) -> list:
    return [
        TableRun(arm, None if first_seed is None else str(first_seed + n), score, None, None, n)
        for n, score in enumerate(scores)
    ]


def table(*groups: list) -> RunsTable:
    return RunsTable(tuple(run for row in groups for run in row), "a table", {"score": "loss"})


def judged(*groups: list, **settings) -> dict:
    made = report(table(*groups), Path("runs.csv"), "base", 0.02, **settings)
    for show in (markdown.markdown, pull_request.pull_request, data, terminal.lines):
        assert show(made)
    return made


def scores(n: int, shift: float = 0.0, salt: str = "", spread: float = 0.002) -> list[float]:
    return [
        2.3 + random.Random(s).gauss(0, 0.02) + shift + random.Random(f"{s}{salt}").gauss(0, spread)
        for s in range(1, n + 1)
    ]


def test_a_number_fixed_beforehand_gives_the_paired_t_test():
    base, arm = scores(6), scores(6, 0.05, "a")
    found = judged(runs("base", base), runs("idea", arm), looks=(6,))["arms"][0]["verdict"]
    theirs = stats.ttest_rel(arm, base)
    ends = theirs.confidence_interval(0.95)
    assert (found["word"], found["method"]) == ("worse", "paired t")
    assert found["p"] == pytest.approx(theirs.pvalue)
    assert (found["low"], found["high"]) == pytest.approx((ends.low, ends.high))


def test_declared_looks_are_replayed():
    base, arm = scores(8), scores(8, -0.05, "a")
    made = judged(runs("base", base), runs("idea", arm), looks=(4, 6, 8))
    found = made["arms"][0]["verdict"]
    assert (found["word"], found["pairs"], found["look"]) == ("better", 4, 1)
    assert found["level"] == pytest.approx(1 - sequential.flat((4, 6, 8)).levels[0])
    assert any("4 more are shown and not counted" in note for note in made["notes"])


def test_without_declared_looks_the_interval_holds_at_any_time():
    base, arm = scores(8), scores(8, -0.05, "a")
    made = judged(runs("base", base), runs("idea", arm))
    found = made["arms"][0]["verdict"]
    ends = sequential.confidence_sequence(np.array(arm) - np.array(base), 0.05)
    assert (found["low"], found["high"]) == pytest.approx(ends)
    assert found["word"] == "better"
    assert any("No looks were declared" in note for note in made["notes"])


def test_three_pairs_without_a_plan_allow_no_interval():
    arm = judged(runs("base", scores(3)), runs("idea", scores(3, -1, "a")))["arms"][0]
    assert arm["verdict"]["word"] is None
    assert "3 pairs of a number that nobody fixed" in arm["verdict"]["reason"]


def test_runs_that_share_no_seeds_are_no_pairs():
    base, arm = scores(8), scores(8, -0.2, "a")
    planned = judged(runs("base", base), runs("idea", arm, 101), looks=(8,))
    found = planned["arms"][0]["verdict"]
    theirs = stats.ttest_ind(arm, base, equal_var=False)
    assert found["method"] == "Welch t"
    assert found["p"] == pytest.approx(theirs.pvalue)
    assert found["runs"] == [8, 8]
    assert planned["arms"][0]["pairs"] == []
    assert "8 and 8 runs, no pairs" in terminal.lines(planned)[0]
    free = judged(runs("base", base), runs("idea", arm, None))["arms"][0]["verdict"]
    assert free["high"] - free["low"] > 1.5 * (found["high"] - found["low"])
    assert free["word"] == "better"


def test_welch_wants_the_number_that_was_declared():
    made = judged(runs("base", scores(8)), runs("idea", scores(7), None), looks=(8,))
    assert "declare one look" in made["arms"][0]["verdict"]["reason"]


def test_one_run_each_is_no_verdict():
    made = judged(runs("base", [2.3]), runs("idea", [2.2]))
    assert made["arms"][0]["verdict"]["word"] is None
    assert "one run each" in terminal.lines(made)[0]


def test_seeds_without_effect_are_no_runs():
    made = judged(runs("base", [2.3] * 6), runs("idea", [2.2] * 6), looks=(6,))
    assert "equal runs are one run" in made["arms"][0]["verdict"]["reason"]


def test_a_run_that_diverged_is_ranked_at_declared_looks_and_withheld_elsewhere():
    arm = [2.5 + 0.001 * n for n in range(8)]
    arm[3] = math.nan
    planned = judged(runs("base", scores(8)), runs("idea", arm), looks=(8,))["arms"][0]
    assert planned["verdict"]["method"] == "sign test"
    assert planned["verdict"]["word"] == "worse"
    assert planned["pairs"][3]["status"] == "diverged"
    free = judged(runs("base", scores(8)), runs("idea", arm))["arms"][0]
    assert "1 run diverged (1 arm, 0 base)" in free["verdict"]["reason"]


def test_missing_scores_and_unequal_numbers_are_told():
    made = judged(runs("base", scores(8)), runs("idea", [*scores(5, -0.1, "a"), None]))
    notes = " ".join(made["notes"])
    assert "8 runs of base and 5 of idea share 5 seeds" in notes
    assert "1 run has no score and is left out" in notes
    assert made["arms"][0]["verdict"]["pairs"] == 5
    assert "cannot be seen from it" in notes


def test_higher_is_better_turns_the_words():
    made = judged(runs("base", scores(8)), runs("idea", scores(8, 0.1, "a")), higher=True)
    found = made["arms"][0]["verdict"]
    assert found["word"] == "better"
    assert found["low"] > 0
    assert "Above zero, the arm is better" in markdown.markdown(made)
    assert forest(made, 700)["layer"][2]["encoding"]["x"]["axis"]["title"] == (
        "← arm worse · difference in loss · arm better →"
    )


def sides(mean: float, sd: float, pairs: int = 8) -> existing.Sides:
    """Pairs whose differences have exactly this mean and SD."""
    base = np.random.default_rng(1).normal(size=pairs)
    noise = np.random.default_rng(2).normal(size=pairs)
    noise = (noise - noise.mean()) / noise.std(ddof=1)
    return existing.Sides(base, base + mean + sd * noise, tuple(map(str, range(pairs))))


def test_many_arms_share_the_error_and_winners_hand_it_on():
    """At 8 pairs the half-width is 1.49 SD at an error of .05, more at a share of it."""
    strong, weak = sides(-1.0, 0.1), sides(-1.7, 1.0)

    def words(**arms: existing.Sides) -> dict[str, str]:
        found = existing.judged(arms, 0.01, 0.05, None, False)
        return {name: tree["word"] for name, tree in found.items()}

    assert words(weak=weak) == {"weak": "better"}
    idle = {name: sides(0.0, 1.0) for name in "abc"}
    assert words(weak=weak, **idle)["weak"] == "inconclusive"
    assert words(weak=weak, one=strong, two=strong, three=strong)["weak"] == "better"


def test_the_base_is_found_by_its_name_or_asked_for():
    made = table(runs("control", [1.0]), runs("x", [1.0]))
    assert existing.base_of(made, None) == "control"
    assert existing.base_of(made, "x") == "x"
    with pytest.raises(ConfigError, match="did you mean 'control'"):
        existing.base_of(made, "contrl")
    with pytest.raises(ConfigError, match="which arm is the base"):
        existing.base_of(table(runs("a", [1.0]), runs("b", [1.0])), None)
    with pytest.raises(ConfigError, match="needs two arms"):
        existing.base_of(table(runs("a", [1.0])), None)


@pytest.mark.slow
@pytest.mark.parametrize("planned", [True, False])
def test_three_idle_arms_raise_few_false_alarms(planned):
    """Of 600 studies whose arms all equal the base, at most 5 % call any arm better or worse."""
    design = sequential.flat((8,)) if planned else None
    draws = np.random.default_rng(3)
    alarms = 0
    for _ in range(600):
        base = draws.normal(size=8)
        sides = {
            "a": existing.Sides(base, base + draws.normal(size=8), tuple("12345678")),
            "b": existing.Sides(base, base + draws.normal(size=8), tuple("12345678")),
            "c": existing.Sides(base, draws.normal(size=8)),
        }
        found = existing.judged(sides, 0.01, 0.05, design, False)
        alarms += any(tree["word"] in ("better", "worse") for tree in found.values())
    assert alarms <= 0.05 * 600 + 2 * math.sqrt(0.05 * 0.95 * 600)

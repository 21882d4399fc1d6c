"""Timing in turn, with a clock that tells what it is told to."""

import itertools
import math

import pytest

from partbench.measure.timing import Timings, clocked, interleave


class Clock:
    """A clock that moves only when a step says how long it took."""

    def __init__(self):
        self.now = 0.0
        self.log = []

    def __call__(self):
        return self.now

    def stepper(self, name, lengths):
        lengths = itertools.cycle(lengths)

        def step():
            self.log.append(name)
            self.now += next(lengths)

        return clocked(step, self)


def test_blocks_are_taken_in_turn_and_the_order_turns_round():
    clock = Clock()
    blocks = {name: clock.stepper(name, [1.0]) for name in "AB"}
    interleave(blocks, rounds=3, steps=2, warm_up=1)
    assert "".join(clock.log) == "AB" + "AABB" + "BBAA" + "AABB"


def test_warm_up_is_thrown_away():
    clock = Clock()
    slow_start = clock.stepper("A", [100.0, 100.0, *[1.0] * 24])
    timings = interleave({"A": slow_start}, rounds=6, steps=4, warm_up=2)
    assert timings.seconds["A"] == [[1.0] * 4] * 6
    assert timings.quartiles("A") == (1.0, 1.0)


def test_a_drift_that_both_share_leaves_the_ratio_exact():
    drift = [1.0, 1.5, 0.7, 2.0]
    timings = Timings({"A": [[0.2 * d] * 3 for d in drift], "B": [[0.3 * d] * 3 for d in drift]})
    ratio = timings.ratio("B")
    assert (ratio.value, ratio.low, ratio.high) == pytest.approx((1.5, 1.5, 1.5))
    assert timings.ratio("A", "B").value == pytest.approx(1 / 1.5)


def test_the_interval_is_the_t_interval_of_the_log_ratios():
    # Log ratios -0.1, 0, 0.1: mean 0, standard error 0.1 / sqrt 3, t(.975, 2) = 4.302653.
    timings = Timings({"A": [[1.0]] * 3, "B": [[math.exp(x)] for x in (-0.1, 0.0, 0.1)]})
    ratio = timings.ratio("B")
    assert ratio.value == pytest.approx(1.0)
    assert math.log(ratio.high) == pytest.approx(4.302653 * 0.1 / math.sqrt(3), rel=1e-6)
    assert math.log(ratio.low) == pytest.approx(-math.log(ratio.high))


def test_one_disturbed_step_moves_neither_median_nor_ratio():
    clean = [[1.0] * 5] * 3
    timings = Timings({"A": clean, "B": [[1.0, 1.0, 9.0, 1.0, 1.0]] * 3})
    assert timings.median("B") == 1.0
    assert timings.ratio("B").high == 1.0


def test_the_quietest_block_is_the_one_least_disturbed():
    timings = Timings({"A": [[3.0, 3.0], [1.0, 1.2], [2.0, 2.0]]})
    assert timings.quietest("A") == pytest.approx(1.1)


def test_one_round_gives_a_ratio_without_an_interval():
    table = Timings({"A": [[1.0, 1.0]], "B": [[2.0, 2.0]]}).table()
    assert table["B"]["ratio"] == pytest.approx(2.0)
    assert (table["B"]["ratio_low"], table["B"]["ratio_high"]) == (0.0, None)
    assert table["A"]["steps"] == 2


def test_by_default_twenty_steps_or_more_over_three_rounds_or_more():
    clock = Clock()
    timings = interleave({"A": clock.stepper("A", [1.0])})
    assert len(timings.seconds["A"]) >= 3
    assert timings.table()["A"]["steps"] >= 20


@pytest.mark.parametrize("wrong", [{"rounds": 0}, {"steps": 0}])
def test_nothing_to_measure_is_refused(wrong):
    with pytest.raises(ValueError, match="at least"):
        interleave({"A": lambda steps: [1.0] * steps}, **wrong)
    with pytest.raises(ValueError, match="at least"):
        interleave({})

"""Who moves the switch when, and what each line is then learnt as."""

import pytest
from lamp.mind import Forecast
from lamp.operating import REGRET, WINDOW, Operator
from lamp.tags import DARK, LIT, NOTHING


class Evening:
    """An operator with what it decided."""

    def __init__(self):
        self.operator, self.events = Operator(), []

    def happen(self, events):
        for event in events:
            self.operator.apply(event)
        self.events += events
        return events

    def say(self, at, tag=NOTHING, probability=1.0):
        number = self.operator.heard
        self.happen(self.operator.hear("words", at))
        self.happen(self.operator.anticipate(number, Forecast(tag, probability), at))
        return number

    def switch(self, lit, at):
        self.happen(self.operator.switch(lit, at, "test"))

    def settle(self, at=float("inf")):
        self.happen(self.operator.settle(at))

    @property
    def labels(self):
        return {e["number"]: e["tag"] for e in self.events if e["kind"] == "labelled"}

    @property
    def acts(self):
        return [e["lit"] for e in self.events if e["kind"] == "acted"]


def test_the_switch_labels_the_newest_line_and_stillness_means_nothing():
    evening = Evening()
    evening.say(0)
    evening.say(2)
    evening.switch(True, 2 + WINDOW)
    evening.say(20)
    evening.settle(20 + WINDOW)
    assert evening.labels == {0: NOTHING, 1: LIT}, "not before its time"
    evening.settle(20.1 + WINDOW)
    assert evening.labels == {0: NOTHING, 1: LIT, 2: NOTHING}


def test_a_switch_too_late_is_only_a_switch():
    evening = Evening()
    evening.say(0)
    evening.switch(True, 0.1 + WINDOW)
    assert evening.operator.lit
    assert evening.labels == {0: NOTHING}


def test_the_lamp_acts_when_it_is_sure_and_not_otherwise():
    evening = Evening()
    evening.say(0, LIT, 0.6)
    assert evening.acts == []
    evening.say(1, LIT, 0.61)
    assert evening.acts == [True]
    assert evening.labels == {0: NOTHING, 1: LIT}


def test_a_reversal_means_that_nothing_was_wanted():
    evening = Evening()
    evening.say(0, LIT)
    evening.switch(False, REGRET)
    assert evening.labels == {0: NOTHING}
    assert not evening.operator.lit


def test_who_changes_his_mind_twice_wanted_it_after_all():
    evening = Evening()
    evening.say(0, LIT)
    evening.switch(False, 1)
    evening.switch(True, 2)
    assert evening.labels == {0: LIT}


def test_a_late_reversal_corrects_nothing():
    evening = Evening()
    evening.say(0, LIT)
    evening.switch(False, REGRET + 0.1)
    assert evening.labels == {0: LIT}


def test_a_line_after_the_act_is_what_the_switch_speaks_of():
    evening = Evening()
    evening.say(0, LIT)
    evening.say(3)
    evening.switch(False, 4)
    assert evening.labels == {0: LIT, 1: DARK}


def test_a_wish_that_is_fulfilled_already_teaches_nothing_unless_the_switch_speaks():
    evening = Evening()
    evening.say(0, DARK)
    evening.settle()
    assert evening.acts == []
    assert evening.labels == {}
    evening.say(10, DARK)
    evening.switch(True, 11)
    assert evening.labels == {1: LIT}


def test_the_switch_to_where_it_is_already_does_nothing():
    evening = Evening()
    evening.say(0)
    evening.switch(False, 1)
    assert [event["kind"] for event in evening.events] == ["heard"]


@pytest.mark.parametrize("acted", [False, True])
def test_after_a_start_the_lamp_is_as_it_was_and_nothing_waits(acted):
    evening = Evening()
    evening.say(0, LIT if acted else NOTHING)
    again = Operator()
    for event in [*evening.events, {"kind": "began", "at": 1.0}]:
        again.apply(event)
    assert again.lit == acted
    assert again.heard == 1
    assert again.settle(float("inf")) == []
    labels = [e for e in again.switch(not acted, 2, "test") if e["kind"] == "labelled"]
    assert labels == [], "what was said before the start is not what the switch speaks of"


def test_one_line_at_most_is_without_a_label():
    evening = Evening()
    for at in range(6):
        evening.say(at, *((LIT, 1.0) if at == 3 else ()))
        open_lines = set(range(at + 1)) - set(evening.labels)
        assert open_lines <= {at}

"""What happens to the lamp, and what is learnt from it: events decided here, then applied.

    heard     number, text, at             a line of transcript
    acted     number, lit, at              the lamp switched by itself because of that line
    switched  lit, at, by                  somebody moved the switch
    labelled  number, tag                  what the line meant; a second one is a correction
    fulfilled number                       the line asked for what is so already
    passed    number                       the line teaches nothing
    began     at                           the lamp was started; lines without a label are let go

A line waits WINDOW seconds for the switch. If it moves, the newest waiting line meant that; if not,
the line meant nothing - unless it was understood as a wish that was fulfilled already, for then
stillness does not tell. A line the lamp acted on is labelled at once. Who moves the switch back
within REGRET seconds, with no newer line waiting, corrects it: to nothing where that restores what
was, else to the new state.

Source: Williams 2024, the lamp of the talk (five processes, correction by relabelling). Ours: the
seconds, which waiting line is meant, and what a fulfilled wish teaches.
"""

from typing import NamedTuple

from lamp.journal import Event
from lamp.mind import Forecast
from lamp.tags import NOTHING, wish

WINDOW = 5.0
REGRET = 10.0


class Waiting(NamedTuple):
    """A line that has no label yet; fulfilled: it asked for what was so already."""

    number: int
    at: float
    fulfilled: bool = False


class Act(NamedTuple):
    """The lamp's own last move."""

    number: int
    at: float
    before: bool


class Operator:
    """The lamp's state. Methods return the events to be written; `apply` is what changes it."""

    def __init__(self) -> None:
        self.lit = False
        self.heard = 0
        self.waiting: list[Waiting] = []
        self.act: Act | None = None

    def hear(self, text: str, at: float) -> list[Event]:
        """A line of transcript."""
        return [{"kind": "heard", "number": self.heard, "text": text, "at": at}]

    def anticipate(self, number: int, forecast: Forecast, at: float) -> list[Event]:
        """What the lamp does about a line, the newest, that `forecast` speaks of."""
        if forecast.tag == NOTHING or not forecast.sure:
            return []
        if forecast.tag == wish(self.lit):
            return [{"kind": "fulfilled", "number": number}]
        return [
            {"kind": "acted", "number": number, "lit": not self.lit, "at": at},
            {"kind": "labelled", "number": number, "tag": forecast.tag},
        ]

    def switch(self, lit: bool, at: float, by: str) -> list[Event]:
        """Somebody moves the switch to `lit`; nothing where it is there already."""
        if lit == self.lit:
            return []
        events: list[Event] = [{"kind": "switched", "lit": lit, "at": at, "by": by}]
        waiting = [line.number for line in self.waiting if at <= line.at + WINDOW]
        act = self.act if self.act and at <= self.act.at + REGRET else None
        if act and not any(number > act.number for number in waiting):
            tag = NOTHING if lit == act.before else wish(lit)
            events.append({"kind": "labelled", "number": act.number, "tag": tag})
        elif waiting:
            events.append({"kind": "labelled", "number": waiting[-1], "tag": wish(lit)})
        return events

    def settle(self, at: float) -> list[Event]:
        """What the lines whose window is over by `at` meant."""
        return [
            {"kind": "passed", "number": line.number}
            if line.fulfilled
            else {"kind": "labelled", "number": line.number, "tag": NOTHING}
            for line in self.waiting
            if at > line.at + WINDOW
        ]

    def apply(self, event: Event) -> None:
        """Let an event have happened: now, or again when a journal is read."""
        kind, number = event["kind"], event.get("number", -1)
        if kind == "heard":
            self.heard = number + 1
            self.waiting.append(Waiting(number, event["at"]))
        elif kind == "acted":
            self.act = Act(number, event["at"], self.lit)
            self.lit = event["lit"]
        elif kind == "switched":
            self.lit = event["lit"]
        elif kind == "fulfilled":
            self.waiting = [
                line._replace(fulfilled=line.fulfilled or line.number == number)
                for line in self.waiting
            ]
        elif kind in ("labelled", "passed"):
            self.waiting = [line for line in self.waiting if line.number != number]
        elif kind == "began":
            self.waiting, self.act = [], None

"""What happens to the lamp, and what is learnt from it: events decided here, then applied.

    heard     number, text, at             a line of transcript
    acted     number, lit, at              the lamp switched by itself because of that line
    switched  lit, at, by                  somebody moved the switch
    labelled  number, tag                  what the line meant; a second one is a correction
    fulfilled number                       the line asked for what is so already
    passed    number                       the line teaches nothing
    began     at                           the lamp was started; a line without a label is let go

A line waits for the switch, WINDOW seconds or until the next line is heard. If the switch moves,
the line meant that; if not, it meant nothing - unless it was understood as a wish that was
fulfilled already, for then stillness does not tell. A line the lamp acted on is labelled at once.
Who moves the switch back within REGRET seconds, with no newer line waiting, corrects it: to nothing
where that restores what was, else to the new state. So at any time one line at most has no label.

Source: Williams 2024, the lamp of the talk (five processes, correction by relabelling). Ours: the
seconds, that the next line ends the waiting, and what a fulfilled wish teaches.
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
        self.waiting: Waiting | None = None
        self.act: Act | None = None

    def hear(self, text: str, at: float) -> list[Event]:
        """A line of transcript; the one before waits no longer."""
        heard = {"kind": "heard", "number": self.heard, "text": text, "at": at}
        return [*self.settle(float("inf")), heard]

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
        events = [*self.settle(at), {"kind": "switched", "lit": lit, "at": at, "by": by}]
        if self.waiting and at <= self.waiting.at + WINDOW:
            events.append({"kind": "labelled", "number": self.waiting.number, "tag": wish(lit)})
        elif self.act and at <= self.act.at + REGRET:
            tag = NOTHING if lit == self.act.before else wish(lit)
            events.append({"kind": "labelled", "number": self.act.number, "tag": tag})
        return events

    def settle(self, at: float) -> list[Event]:
        """What the waiting line meant, if its time is over at `at`."""
        line = self.waiting
        if line is None or at <= line.at + WINDOW:
            return []
        if line.fulfilled:
            return [{"kind": "passed", "number": line.number}]
        return [{"kind": "labelled", "number": line.number, "tag": NOTHING}]

    def apply(self, event: Event) -> None:
        """Let an event have happened: now, or again when a journal is read."""
        kind, number = event["kind"], event.get("number", -1)
        waits = self.waiting is not None and self.waiting.number == number
        if kind == "heard":
            self.heard = number + 1
            self.waiting = Waiting(number, event["at"])
        elif kind == "acted":
            self.act = Act(number, event["at"], self.lit)
            self.lit = event["lit"]
        elif kind == "switched":
            self.lit = event["lit"]
        elif kind == "fulfilled" and waits and self.waiting:
            self.waiting = self.waiting._replace(fulfilled=True)
        elif kind in ("labelled", "passed") and waits:
            self.waiting = None
        elif kind == "began":
            self.waiting, self.act = None, None

"""The lamp itself: one thread takes what was said and clicked, in the order in which it came.

    put -> queue -> journal (on disk) -> state, bulb, learner, page

Every event is in the journal before the bulb or the page hears of it. The learner works beside;
before a line is judged the lamp waits for it at most `patience` seconds (None: as long as it takes,
for transcripts that are fed faster than anybody talks).
"""

import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lamp.apprentice import Apprentice
from lamp.bulb import Bulb
from lamp.journal import Event, Journal
from lamp.mind import Forecast
from lamp.operating import Operator
from lamp.recorder import Ended, Heard, Said, Switched
from lamp.tags import wish

TICK = 0.25
SHOWN = 8
"""Lines of transcript that a page shows."""

Say = Callable[[str], None]


class Lamp:
    """Opens the folder; raises what Journal raises."""

    def __init__(
        self,
        folder: Path,
        bulb: Bulb,
        say: Say,
        patience: float | None,
        teach: Callable[[Path, Say], Apprentice] = Apprentice,
    ) -> None:
        self.journal = Journal(folder)
        self.operator, self.bulb, self.say, self.patience = Operator(), bulb, say, patience
        self._queue: queue.Queue[Said] = queue.Queue()
        self._change = threading.Condition()
        self._version = 0
        self._lines: deque[dict[str, Any]] = deque(maxlen=SHOWN)
        self.learnt = 0
        self.ended = False
        for event in self.journal.events:
            self._apply(event)
        self._write([{"kind": "began", "at": time.time()}])
        self.apprentice = teach(folder, say)
        self.apprentice.tell(self.journal.end)
        bulb.set(self.operator.lit)

    def put(self, said: Said) -> None:
        """Hand over what was said or clicked; from any thread."""
        self._queue.put(said)

    def run(self) -> None:
        """Until somebody ends it or its only source of words has run dry."""
        try:
            while not self.ended:
                self._next()
        finally:
            self.ended = True
            with self._change:
                self._change.notify_all()
            self.apprentice.wait(self.patience if self.patience is None else 2.0)
            self.apprentice.close()
            self.bulb.close()
            self.journal.close()

    def snapshot(self) -> dict[str, Any]:
        """What a page shows."""
        with self._change:
            return {
                "version": self._version,
                "lit": self.operator.lit,
                "learnt": self.learnt,
                "lines": list(self._lines),
            }

    def changed_since(self, version: int, seconds: float) -> dict[str, Any] | None:
        """The first snapshot newer than `version`; None after so many seconds, or at the end."""
        with self._change:
            self._change.wait_for(lambda: self._version > version or self.ended, seconds)
            return self.snapshot() if self._version > version else None

    def _next(self) -> None:
        try:
            said = self._queue.get(timeout=TICK)
        except queue.Empty:
            self._write(self.operator.settle(time.time()))
            return
        at = time.time()
        self._write(self.operator.settle(at))
        if isinstance(said, Heard):
            self._hear(said.text, at)
        elif isinstance(said, Switched):
            lit = not self.operator.lit if said.lit is None else said.lit
            self._write(self.operator.switch(lit, at, said.by))
        elif isinstance(said, Ended):
            if said.why:
                self.say(said.why)
            if said.stop:  # no click can come any more
                self._write(self.operator.settle(float("inf")))
                self.ended = True

    def _hear(self, text: str, at: float) -> None:
        number = self.operator.heard
        self._write(self.operator.hear(text, at))
        self.apprentice.wait(self.patience)
        forecast = self.apprentice.mind.forecast(text)
        events = self.operator.anticipate(number, forecast, time.time())
        with self._change:
            self._line(number).update(tag=forecast.tag, probability=round(forecast.probability, 3))
        self._write(events)
        if not events:
            self._show()
        acted = any(event["kind"] == "acted" for event in events)
        self.say(_sentence(text, forecast, self.operator.lit, acted))

    def _write(self, events: list[Event]) -> None:
        """Journal first; then state, learner, bulb, page."""
        if not events:
            return
        self.journal.append(*events)
        before = self.operator.lit
        with self._change:
            for event in events:
                self._apply(event)
        if any(event["kind"] == "labelled" for event in events):
            self.apprentice.tell(self.journal.end)
        if self.operator.lit != before:
            self.bulb.set(self.operator.lit)
        self._show()

    def _apply(self, event: Event) -> None:
        waiting = self.operator.waiting
        first = waiting is not None and waiting.number == event.get("number")
        self.operator.apply(event)
        if event["kind"] == "heard":
            self._lines.append({"number": event["number"], "text": event["text"]})
        elif event["kind"] == "labelled":
            self.learnt += first
            self._line(event["number"])["meant"] = event["tag"]
        elif event["kind"] == "acted":
            self._line(event["number"])["acted"] = wish(event["lit"])

    def _line(self, number: int) -> dict[str, Any]:
        """The shown line of this number; a line that is shown no more is let be."""
        return next((line for line in self._lines if line["number"] == number), {})

    def _show(self) -> None:
        with self._change:
            self._version += 1
            self._change.notify_all()


def _sentence(text: str, forecast: Forecast, lit: bool, acted: bool) -> str:
    lamp = "lit" if lit else "dark"
    means = f"{forecast.tag} {forecast.probability:.0%}"
    return f"{text}  [{means}; the lamp is {lamp}{', by itself' if acted else ''}]"

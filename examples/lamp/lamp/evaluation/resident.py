"""A simulated resident: says a line, and moves the switch where the lamp is not as it was meant.

Whoever the lamp does not understand corrects it within seconds, so after each line the lamp is as
its resident wants it, whatever the lamp foresaw. So one dialogue serves all arms, and labels come
from the switch alone, through the operator that runs in a home.
"""

import random
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

from lamp.evaluation.dialogue import Home
from lamp.evaluation.misspelling import misspelt
from lamp.journal import Event
from lamp.mind import Forecast
from lamp.operating import Operator
from lamp.tags import NOTHING, Tag, wish

REPEATED = 0.1
"""Share of the wishes for what is so already that are said nevertheless."""
PAUSE = (3.0, 20.0)
"""Seconds between two lines."""
REACTION = (1.0, 2.5)
"""Seconds until the switch is moved."""


class Line(NamedTuple):
    """What is said, what is meant, when, and how soon the resident would move the switch."""

    text: str
    tag: Tag
    at: float
    reaction: float


class Arm(Protocol):
    """Something that can be asked and taught."""

    def forecast(self, text: str) -> Forecast:
        """What a line means."""
        ...

    def learn(self, number: int, text: str, tag: Tag) -> None:
        """A label, or another one for a line that has one."""
        ...


def dialogue(home: Home, tokens: int, misspelt_share: float, seed: int) -> list[Line]:
    """Lines of at least so many words in all."""
    draw = random.Random(f"dialogue {home.part} {home.seed} {seed}")
    lines: list[Line] = []
    lit, at, number = False, 0.0, 0
    for sentence in home.heard(seed):
        if sentence.tag == wish(lit) and draw.random() >= REPEATED:
            continue
        lit = lit if sentence.tag == NOTHING else sentence.tag == wish(True)
        at += draw.uniform(*PAUSE)
        text = misspelt(sentence.text, misspelt_share, draw)
        lines.append(Line(text, sentence.tag, at, draw.uniform(*REACTION)))
        number += len(text.split())
        if number >= tokens:
            break
    return lines


def live(
    arm: Arm, lines: list[Line], record: Callable[[Event], None] | None = None
) -> Iterator[tuple[Line, Forecast]]:
    """Each line with what was foreseen of it, before anything of it was learnt.

    record: is handed every event, as a journal would be.
    """
    operator = Operator()
    texts: dict[int, str] = {}

    def happen(events: list[Event]) -> None:
        for event in events:
            operator.apply(event)
            if record:
                record(event)
            if event["kind"] == "labelled":
                arm.learn(event["number"], texts[event["number"]], event["tag"])

    wanted = False
    for line in lines:
        happen(operator.settle(line.at))
        number = operator.heard
        texts[number] = line.text
        happen(operator.hear(line.text, line.at))
        forecast = arm.forecast(line.text)
        happen(operator.anticipate(number, forecast, line.at))
        yield line, forecast
        wanted = wanted if line.tag == NOTHING else line.tag == wish(True)
        happen(operator.switch(wanted, line.at + line.reaction, "resident"))
    happen(operator.settle(float("inf")))

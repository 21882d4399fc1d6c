"""One arm through one dialogue: foreseen first, then learnt; at checkpoints it is asked.

prequential F1   of every line of the dialogue, each judged before its label was known
unseen F1        of sentences whose templates are never spoken, at every checkpoint
"""

import random
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from lamp.evaluation.dialogue import Home, Part
from lamp.evaluation.misspelling import misspelt
from lamp.evaluation.resident import Arm, Line, dialogue, live
from lamp.evaluation.scores import Confusion, confusion, f1
from lamp.tags import Tag

ASKED = 400
"""Sentences of unseen templates."""
CHECKPOINTS = (100, 200, 300, 500, 750, 1000, 1500, 2000, 2500, 3000)
"""Words heard when the arm is asked; the end of the dialogue is one too."""
GOOD = 0.8


class Trial(NamedTuple):
    """Words heard, unseen F1 at each of them; tables of the dialogue and of the last asking."""

    tokens: list[int]
    curve: list[float]
    heard: Confusion
    asked: Confusion
    lines: int
    seconds: list[float]

    @property
    def tokens_until_good(self) -> int | None:
        """The first checkpoint from which unseen F1 stays at GOOD or above."""
        below = [at for at, value in enumerate(self.curve) if value < GOOD]
        first = below[-1] + 1 if below else 0
        return self.tokens[first] if first < len(self.tokens) else None


class Course(NamedTuple):
    """What one resident says, and what is asked."""

    lines: list[Line]
    asked: list[tuple[str, Tag]]


def course(part: Part, seed: int, tokens: int, misspelt_share: float) -> Course:
    """The same for every arm."""
    home = Home(part, seed)
    draw = random.Random(f"asked {part} {seed}")
    asked = [(misspelt(s.text, misspelt_share, draw), s.tag) for s in home.asked(ASKED)]
    return Course(dialogue(home, tokens, misspelt_share, 0), asked)


def run(make: Callable[[], Arm], given: Course) -> Trial:
    """A fresh arm through the whole course."""
    arm, heard, number = make(), [], 0
    tokens: list[int] = []
    curve: list[float] = []
    ahead = list(CHECKPOINTS)
    seconds: list[float] = []
    last = confusion([])
    for line, forecast in live(_Timed(arm, seconds), given.lines):
        heard.append((line.tag, forecast.tag))
        number += len(line.text.split())
        if ahead and number >= ahead[0]:
            while ahead and number >= ahead[0]:
                ahead.pop(0)
            tokens.append(number)
            curve.append(f1(_ask(arm, given.asked)))
    last = _ask(arm, given.asked)
    if not tokens or tokens[-1] != number:
        tokens.append(number)
        curve.append(f1(last))
    return Trial(tokens, curve, confusion(heard), last, len(heard), seconds)


def _ask(arm: Arm, asked: Sequence[tuple[str, Tag]]) -> Confusion:
    return confusion((tag, arm.forecast(text).tag) for text, tag in asked)


class _Timed:
    """The arm, its predictions timed."""

    def __init__(self, arm: Arm, seconds: list[float]) -> None:
        self.learn, self._arm, self._seconds = arm.learn, arm, seconds

    def forecast(self, text: str):  # type: ignore[no-untyped-def]
        """As the arm's."""
        begun = time.perf_counter()
        found = self._arm.forecast(text)
        self._seconds.append(time.perf_counter() - begun)
        return found

"""Sentences drawn from templates: (a|b) choice, [a] may be left out, (a;b) any order.

<rule> is another template, {list} one entry of a list or a number of a range. This is the template
language of the Home Assistant intents, whose English sentences phrases.json holds (see NOTICE).
"""

import random
import re
from collections.abc import Mapping, Sequence

MAYBE = 0.5
"""The share of [optional] parts that are said."""
_MARKS = re.compile(r"[()\[\]|;]|<\w+>|\{\w+\}|[^()\[\]|;<{]+")


class Grammar:
    """Draws sentences; `lists` and `ranges` (first and last number) fill the {names}."""

    def __init__(
        self,
        rules: Mapping[str, str],
        lists: Mapping[str, Sequence[str]],
        ranges: Mapping[str, Sequence[int]],
    ) -> None:
        self.rules, self.lists, self.ranges = rules, lists, ranges

    def sentence(self, template: str, draw: random.Random) -> str:
        """One sentence of a template, spaces tidied."""
        marks = _MARKS.findall(template)
        said, end = self._choice(marks, 0, draw)
        if end != len(marks):
            raise ValueError(f"template: '{template}' closes what it did not open")
        return " ".join(said.split())

    def _choice(self, marks: list[str], at: int, draw: random.Random) -> tuple[str, int]:
        """Alternatives up to a closing bracket or the end: what is said, and where it stops.

        Every alternative is drawn, then one is chosen: the number of draws hangs on the template
        alone.
        """
        joined: list[list[str]] = [[""]]
        while at < len(marks) and marks[at] not in ")]":
            mark = marks[at]
            at += 1
            if mark in "([":
                inner, at = self._choice(marks, at, draw)
                at += 1
                said = inner if mark == "(" or draw.random() < MAYBE else ""
            elif mark == "|":
                joined.append([""])
                continue
            elif mark == ";":
                joined[-1].append("")
                continue
            else:
                said = self._filled(mark, draw)
            joined[-1][-1] += said
        parts = draw.choice(joined)
        draw.shuffle(parts)
        return " ".join(parts), at

    def _filled(self, mark: str, draw: random.Random) -> str:
        name = mark[1:-1]
        if mark[0] == "<":
            return self.sentence(self.rules[name], draw)
        if mark[0] == "{":
            if name in self.ranges:
                return str(draw.randint(*self.ranges[name]))
            return self.sentence(draw.choice(self.lists[name]), draw)
        return mark

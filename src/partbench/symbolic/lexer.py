"""From characters to words: digits one by one, names, and the words of a rendering.

Spaces and line breaks only separate. Where two words could begin, the longer one does.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from partbench.core.errors import InputError, nearest
from partbench.symbolic.renderings import RENDERINGS
from partbench.symbolic.vocabulary import DIGITS, NAMES

LONGEST = 20_000
"""Words a text may have."""


class Word(NamedTuple):
    """A word and where it stands, both counted from 1."""

    text: str
    line: int
    column: int


@cache
def _pattern(rendering: str) -> re.Pattern[str]:
    table = RENDERINGS[rendering]
    signs = [w for w in (*table.words, *table.aliases) if not w.isidentifier()]
    longest_first = sorted(signs, key=len, reverse=True)
    # A run of letters and digits that starts with a letter is one word, known or not.
    return re.compile(
        r"(?P<space>\s+)|(?P<digit>[0-9])|(?P<word>[^\W\d_][^\W_]*)|(?P<sign>"
        + "|".join(map(re.escape, longest_first))
        + ")"
    )


@cache
def _known(rendering: str) -> frozenset[str]:
    return frozenset((*RENDERINGS[rendering].words, *NAMES, *DIGITS))


def words(text: str, rendering: str = "symbolic") -> Iterator[Word]:
    """The words of `text` with their places; InputError (one line) at the first that is none."""
    pattern, known = _pattern(rendering), _known(rendering)
    aliases = RENDERINGS[rendering].aliases
    place, line, begin, count = 0, 1, 0, 0
    while place < len(text):
        found = pattern.match(text, place)
        here = f"line {line}, column {place - begin + 1}"
        if found is None:
            wrong = text[place]
            signs = [w for w in known if not w[0].isalnum()]
            raise InputError(f"{here}: no word begins with {wrong!r}; {_near(wrong, signs)}")
        word = aliases.get(found[0], found[0])
        if found.lastgroup != "space":
            if word not in known:
                raise InputError(f"{here}: no word {found[0]!r}; {_near(found[0], known)}")
            count += 1
            if count > LONGEST:
                raise InputError(f"{here}: the text is longer than {LONGEST:,} words; cut it")
            yield Word(word, line, place - begin + 1)
        else:
            line += found[0].count("\n")
            if "\n" in found[0]:
                begin = place + found[0].rindex("\n") + 1
        place = found.end()


def _near(word: str, choices: list[str] | frozenset[str]) -> str:
    """The nearest choice; of many that are all far, what names look like."""
    if len(word) <= 2 and word[:1].isascii() and word[:1].isalpha():
        return "names are a letter alone or with one digit: a..z up to 9, A..Z up to 4"
    long = [choice for choice in choices if len(choice) > 2 or not choice[0].isalnum()]
    hint = nearest(word[:40], long)
    return hint if hint.startswith("did") else "see the words in docs/symbolic.md"

"""The words a model reads and writes, and their numbers; frozen, fewer than 600 a rendering.

    id = place in  <pad> <end>  words of the rendering  0..9  names
    names = a..z alone or with 1 to 9,  A..Z alone or with 1 to 4

The symbolic list is also kept as vocabulary.txt, whose hash a test holds: a model trained today
must read tomorrow's problems. Digits stand one by one, so that a column is a token.
"""

import string
from collections.abc import Iterable
from functools import cache, cached_property
from pathlib import Path

from partbench.symbolic.renderings import RENDERINGS

PAD, END = 0, 1
SPECIAL = ("<pad>", "<end>")
FROZEN = Path(__file__).with_name("vocabulary.txt")
DIGITS = tuple(string.digits)
NAMES = tuple(
    letter + number
    for letters, most in ((string.ascii_lowercase, 9), (string.ascii_uppercase, 4))
    for letter in letters
    for number in ("", *map(str, range(1, most + 1)))
)


class Vocabulary:
    """Words and their numbers in one rendering."""

    def __init__(self, words: Iterable[str]) -> None:
        self.words = tuple(words)

    def __len__(self) -> int:
        return len(self.words)

    @cached_property
    def ids(self) -> dict[str, int]:
        """Word -> number."""
        return {word: number for number, word in enumerate(self.words)}

    def encode(self, words: Iterable[str]) -> list[int]:
        """The numbers of `words`, each of which must be known."""
        return [self.ids[word] for word in words]

    def decode(self, ids: Iterable[int]) -> list[str]:
        """The words of `ids` up to the first <end>; padding is left out."""
        found = []
        for number in ids:
            if number == END:
                break
            if number != PAD:
                found.append(self.words[number])
        return found


@cache
def vocabulary(rendering: str = "symbolic") -> Vocabulary:
    """The vocabulary of a rendering."""
    if rendering == "symbolic":
        return Vocabulary(FROZEN.read_text(encoding="utf-8").split())
    return Vocabulary((*SPECIAL, *RENDERINGS[rendering].words, *DIGITS, *NAMES))

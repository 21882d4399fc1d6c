"""Text as marks: which words were said, and which three letters stand together in them.

A word that was misspelt, or that a transcriber heard wrongly, still shares most of its letters
with the word that was meant. Marks are counted once a line; their order says nothing.
"""

import re

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
LONGEST = 1000
"""Characters of a line that are read; a line of speech has fewer."""


def words(text: str) -> list[str]:
    """The words of a line in small letters, of any alphabet."""
    return _WORD.findall(text[:LONGEST].lower())


def marks(text: str) -> list[str]:
    """Words, and runs of three letters of `^word$`, each once, in the order they came up."""
    found: dict[str, None] = {}
    for word in words(text):
        found[f"w {word}"] = None
        edged = f"^{word}$"
        for at in range(max(1, len(edged) - 2)):
            found[f"3 {edged[at : at + 3]}"] = None
    return list(found)

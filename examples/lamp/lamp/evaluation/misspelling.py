"""Misspelling, as a transcriber's ear or a typing hand does it: one letter of a word goes wrong."""

import random
import string


def misspelt(text: str, share: float, draw: random.Random) -> str:
    """`text` with about `share` of its words spoilt: a letter lost, doubled, swapped or changed."""
    return " ".join(
        _spoilt(word, draw) if draw.random() < share else word for word in text.split(" ")
    )


def _spoilt(word: str, draw: random.Random) -> str:
    at = draw.randrange(len(word))
    kind = draw.choice(("lost", "doubled", "swapped", "changed"))
    if kind == "lost" and len(word) > 1:
        return word[:at] + word[at + 1 :]
    if kind == "doubled":
        return word[: at + 1] + word[at:]
    if kind == "swapped" and at + 1 < len(word):
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return word[:at] + draw.choice(string.ascii_lowercase) + word[at + 1 :]

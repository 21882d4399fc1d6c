"""Counting hits: a table of meant against foreseen, and what is read off it.

    precision = right / foreseen,  recall = right / meant,  F1 = 2 right / (foreseen + meant)

F1 without a tag is the mean over lit and dark: `nothing` is common and easy.
"""

from collections import Counter
from collections.abc import Iterable

from lamp.tags import DARK, LIT, TAGS, Tag

Confusion = Counter[tuple[Tag, Tag]]


def confusion(pairs: Iterable[tuple[Tag, Tag]]) -> Confusion:
    """Of (meant, foreseen)."""
    return Counter(pairs)


def precision(table: Confusion, tag: Tag) -> float:
    """Of what was foreseen as `tag`, the share that was meant so; 0 where nothing was."""
    foreseen = sum(table[meant, tag] for meant in TAGS)
    return table[tag, tag] / foreseen if foreseen else 0.0


def recall(table: Confusion, tag: Tag) -> float:
    """Of what meant `tag`, the share that was foreseen so; 0 where nothing was."""
    meant = sum(table[tag, foreseen] for foreseen in TAGS)
    return table[tag, tag] / meant if meant else 0.0


def f1(table: Confusion, tag: Tag | None = None) -> float:
    """Of one tag, or the mean of lit and dark."""
    if tag is None:
        return (f1(table, LIT) + f1(table, DARK)) / 2
    both = sum(table[tag, other] + table[other, tag] for other in TAGS)
    return 2 * table[tag, tag] / both if both else 0.0

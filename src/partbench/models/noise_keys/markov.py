"""Which noise comes next: counts of code after history, with interpolated Kneser-Ney back-off.

    p_k(z | h_k) = (c(h_k z) - D(c)) / c(h_k)  +  gamma(h_k) p_(k-1)(z | h_(k-1))

Histories are read from the newest on. `through = "token"`: h_1 is the input token, h_2 adds the
code before it, and so on; `"codes"`: h_1 is the code before, h_2 the two before. Below the longest
history that is there, c counts different longer histories instead of occurrences.
Source: the note's "transition matrix"; Chen and Goodman 1999 for smoothing, see models/ngram.py.
Differs: a history is a 64-bit fingerprint, so tables do not depend on the order of learning.
"""

from typing import Literal, NamedTuple

import numpy as np

from partbench.models.ngram import discounts
from partbench.models.noise_keys.arrays import ranges
from partbench.models.noise_keys.tally import Tally, mixed

Array = np.ndarray
Through = Literal["token", "codes"]
NOWHERE = -1


class Level(NamedTuple):
    """One order, ready to answer. The followers of a history lie side by side."""

    histories: Array
    first: Array
    number: Array
    codes: Array
    share: tuple[Array, Array]  # by gram: as the longest history, and below one
    gamma: tuple[Array, Array]  # by history, a neutral one last


class Leaf(NamedTuple):
    """Codes that may come next: entry i says code `code` at `position` has weight `weight`.

    rest: what is left at each position for whoever knows no code.
    """

    position: Array
    code: Array
    weight: Array
    rest: Array


def histories(tokens: Array, codes: Array, order: int, through: Through) -> list[Array]:
    """Fingerprints of the histories of lengths 0 to `order` before each code, int64 [rows, time].

    tokens, codes: [rows, time]; a history that would reach beyond the row's start is mixed with 0
    and must be masked by `lengths`.
    """
    before = np.zeros_like(codes)
    found = [np.zeros_like(codes)]
    for length in range(1, order + 1):
        if length == 1 and through == "token":
            newest = tokens.astype(np.int64)
        else:
            back = length - (through == "token")
            newest = before.copy()
            newest[:, back:] = codes[:, : max(0, codes.shape[1] - back)]
        found.append(mixed(found[-1], newest, np.array(length)))
    return found


def lengths(time: int, order: int, through: Through) -> Array:
    """How long the history at each place of a row can be, int64 [time]."""
    return np.minimum(np.arange(time) + (through == "token"), order)


def prepared(tables: list[Tally]) -> list[Level]:
    """Levels from tallies (history, code, shorter history) -> count, one for each length.

    Whether a count is of a longest history or also of longer ones makes no difference to it.
    """
    levels = []
    for length, table in enumerate(tables):
        history, code = table.keys[:, 0], table.keys[:, 1]
        first = np.flatnonzero(np.diff(history, prepend=history[:1] - 1))
        number = np.diff(np.append(first, len(history)))
        owner = np.repeat(np.arange(len(first)), number)
        seen = table.counts[:, 0]
        preceded = seen
        if length + 1 < len(tables):
            above = tables[length + 1].keys
            preceded = _matched(np.stack([above[:, 2], above[:, 1]], 1), table.keys[:, :2])
        weighed = [_weighed(c, owner, len(first)) for c in (seen, preceded)]
        shares, gammas = zip(*weighed, strict=True)
        levels.append(Level(history[first], first, number, code, shares, gammas))
    return levels


def followers(levels: list[Level], found: list[Array], length: Array, breadth: int) -> Leaf:
    """The codes after each position and their weights; `found`: histories by length [positions].

    length: the longest history there, [positions]. Of the shortest, which knows every code, only
    the `breadth` most frequent are followed; the others' weight is part of `rest`.
    """
    places, codes, weights = [], [], []
    rest = np.ones(len(length))
    for number in range(len(levels) - 1, -1, -1):
        level = levels[number]
        row = _rows(level.histories, found[number])
        row = np.where(length >= number, row, NOWHERE)
        own = np.where(length == number, level.gamma[0][row], level.gamma[1][row])
        known = np.flatnonzero(row >= 0)
        if number == 0 and len(level.codes) > breadth:
            lost = np.ones(len(length))
            for at, share in enumerate(level.share):
                top = np.argsort(-share, kind="stable")[:breadth]
                now = np.flatnonzero((row >= 0) & ((length == 0) == (at == 0)))
                places.append(np.repeat(now, breadth))
                codes.append(np.tile(level.codes[top], len(now)))
                weights.append((rest[now][:, None] * share[top]).ravel())
                lost[now] = 1 - share[top].sum()
            rest = rest * lost
            continue
        which, gram = ranges(level.first[row[known]], level.number[row[known]])
        which = known[which]
        share = np.where(length[which] == number, level.share[0][gram], level.share[1][gram])
        places.append(which)
        codes.append(level.codes[gram])
        weights.append(rest[which] * share)
        rest = rest * own
    position, code, weight = (np.concatenate(c) for c in (places, codes, weights))
    return Leaf(position, code, weight, rest)


def _weighed(counts: Array, owner: Array, number: int) -> tuple[Array, Array]:
    """What each gram keeps, and what each history leaves, with a neutral entry at the end."""
    taken = discounts(counts)[np.minimum(counts, 3)]
    total = np.maximum(np.bincount(owner, counts, number), 1)
    share = (counts - taken) / total[owner]
    left = np.where(np.bincount(owner, counts, number) > 0,
                    np.bincount(owner, taken, number) / total, 1.0)  # fmt: skip
    return share, np.append(left, 1.0)


def _matched(pairs: Array, rows: Array) -> Array:
    """How often each of the sorted `rows` occurs among `pairs`, int64 [rows]."""
    if not len(rows):
        return np.zeros(0, np.int64)
    together = np.concatenate([rows, pairs])
    order = np.lexsort(together.T[::-1])
    sorted_ = together[order]
    group = np.cumsum(np.any(np.diff(sorted_, axis=0, prepend=sorted_[:1]), axis=1))
    number = np.bincount(group, order >= len(rows)).astype(np.int64)
    found = np.empty(len(together), np.int64)
    found[order] = group
    return number[found[: len(rows)]]


def _rows(table: Array, wanted: Array) -> Array:
    """Row of each fingerprint in the sorted table, NOWHERE for none."""
    if not len(table):
        return np.full(len(wanted), NOWHERE)
    row = np.minimum(np.searchsorted(table, wanted), len(table) - 1)
    return np.where(table[row] == wanted, row, NOWHERE)

"""Nearest keys by best-first search over digit prefixes, for many queries at once.

    bound(prefix) = what its digits cost already  <=  distance of every key below it

A beam of the cheapest prefixes finds a good key first (and is the answer where only so many buckets
may be opened); then every prefix whose bound does not exceed that key's distance is followed, level
by level, for all queries together. Where coordinates are cut into G groups, each with buckets of
its own, a key within distance r is within r / G in one of them, so only that far is looked.
Source: the bound is the note's digit order; groups: Norouzi, Punjani and Fleet 2012,
arXiv:1307.2982 (multi-index hashing).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from partbench.models.noise_keys.arrays import Grown
from partbench.models.noise_keys.buckets import FAN, NONE, Buckets
from partbench.models.noise_keys.digits import Metric

Array = np.ndarray
FAR = np.iinfo(np.int32).max
EQUAL, ABOVE, BELOW = 0, 1, 2


@dataclass(frozen=True)
class Group:
    """Some coordinates and the buckets that order keys by them."""

    axes: tuple[int, ...]
    buckets: Buckets
    first: Grown
    """By key: its first digit in each of the axes, as one number, int32."""


class Levels:
    """What each digit of each level costs each query of a block, in one group.

    For `numeric` the cost depends on whether the prefix so far is equal to the query's in that
    coordinate, above it or below: the bound is the distance to the interval of the prefix.
    """

    def __init__(self, metric: Metric, axes: tuple[int, ...], queries: Array) -> None:
        self.metric, self.axes, self.queries = metric, axes, queries
        self.digits = metric.digits(queries)  # [queries, all axes, places]

    def costs(self, depth: int) -> Array:
        """int32 [queries, side, 10]; one side unless the metric is numeric."""
        place, axis = depth // len(self.axes), self.axes[depth % len(self.axes)]
        if self.metric.kind != "numeric":
            return self.metric.costs[place][self.digits[:, axis, place]][:, None]
        unit = 10 ** (self.metric.places - 1 - place)
        rest = (self.queries[:, axis] % (unit * 10))[:, None]
        digit = np.arange(FAN)
        equal = np.maximum(0, np.maximum(digit * unit - rest, rest - (digit + 1) * unit + 1))
        above = np.broadcast_to(digit * unit, equal.shape)
        below = np.broadcast_to((9 - digit) * unit, equal.shape)
        return np.stack([equal, above, below], axis=1).astype(np.int32)

    def sides(self, depth: int, query: Array, side: Array) -> tuple[Array, Array]:
        """The side before this digit [frontier], and the whole code after it [frontier, 10]."""
        place, index = divmod(depth, len(self.axes))
        shift = 2 * index
        now = side >> shift & 3
        own = self.digits[query, self.axes[index], place][:, None]
        digit = np.arange(FAN)
        turned = np.where(digit > own, ABOVE, np.where(digit < own, BELOW, EQUAL))
        after = np.where(now[:, None] == EQUAL, turned, now[:, None])
        return now, (side[:, None] & ~(3 << shift)) | after << shift


def walk(
    group: Group, levels: Levels, limit: Array, beam: int | None = None
) -> Iterator[tuple[Array, Array, Array]]:
    """(query, bound, key) of every key in the buckets that are opened, query by query in a level.

    limit: int32 [queries], the largest bound that is followed. beam: prefixes kept a query and
    level, the cheapest, and buckets opened a query, at most.
    """
    nodes = group.buckets.nodes.data
    numeric = levels.metric.kind == "numeric"
    query = np.arange(len(limit), dtype=np.int32)
    node, bound = np.zeros(len(limit), np.int32), np.zeros(len(limit), np.int32)
    side = np.zeros(len(limit) if numeric else 0, np.int32)
    left = None if beam is None else np.full(len(limit), beam)
    depth = 0
    while len(node):
        child = nodes[node, 0]
        leaf = child == NONE
        if leaf.any():
            kept = leaf
            if left is not None:
                kept = leaf & (_rank(query) < left[query])
                left -= np.bincount(query[kept], minlength=len(left))
            yield _opened(group.buckets, query[kept], bound[kept], node[kept])
            query, bound, child = query[~leaf], bound[~leaf], child[~leaf]
            side = side[~leaf] if numeric else side
            if not len(child):
                return
        costs = levels.costs(depth)
        if numeric:
            before, after = levels.sides(depth, query, side)
            total = bound[:, None] + costs[query, before]
        else:
            total = bound[:, None] + costs[query, 0]
        keep = np.flatnonzero(total <= limit[query][:, None])
        parent = keep // FAN
        node = child[parent] + (keep - parent * FAN).astype(np.int32)
        full = nodes[node, 5] > 0
        keep, parent, node = keep[full], parent[full], node[full]
        query, bound = query[parent], total.ravel()[keep]
        side = after.ravel()[keep] if numeric else side
        if left is not None:
            # Cheapest first within a query, so that the rank is the order of opening.
            order = np.lexsort((bound, query))
            order = order[_rank(query[order]) < left[query[order]]]
            query, node, bound = query[order], node[order], bound[order]
            side = side[order] if numeric else side
        depth += 1


def _rank(query: Array) -> Array:
    """Place of each entry among those of its query; `query` must be sorted."""
    number = np.bincount(query) if len(query) else np.zeros(0, np.int64)
    return np.arange(len(query)) - np.repeat(np.cumsum(number) - number, number)


def _opened(
    buckets: Buckets, query: Array, bound: Array, leaf: Array
) -> tuple[Array, Array, Array]:
    """The keys at home in the leaves, wherever they lie."""
    nodes = buckets.nodes.data
    found = []
    row, home, of = nodes[leaf, 2], leaf, np.arange(len(leaf))
    here = row != NONE
    row, home, of = row[here], home[here], of[here]
    if buckets.moved:
        for side in (3, 4):
            beside = nodes[leaf, side]
            away = np.flatnonzero(beside != NONE)
            row = np.concatenate([row, beside[away]])
            home, of = np.concatenate([home, leaf[away]]), np.concatenate([of, away])
    while len(row):
        keys = buckets.slots.data[row]
        full = keys != NONE
        if buckets.moved:
            full &= buckets.home.data[keys] == home[:, None]
        at = np.flatnonzero(full)
        found.append((of[at // buckets.width], keys.ravel()[at]))
        row = buckets.more.data[row]
        on = row != NONE
        row, home, of = row[on], home[on], of[on]
    if not found:
        return query[:0], bound[:0], query[:0]
    owner, held = (np.concatenate(column) for column in zip(*found, strict=True))
    if len(found) > 1 or buckets.moved:
        order = np.argsort(owner, kind="stable")
        owner, held = owner[order], held[order]
    return query[owner], bound[owner], held


class Nearest:
    """The `top` nearest keys so far of each query of a block: int64 distance << 32 | key, sorted.

    A query's limit is the distance of the last of them, FAR while there are fewer.
    """

    def __init__(self, queries: int, top: int) -> None:
        self.best = np.full((queries, top), FAR << 32 | 0xFFFFFFFF, np.int64)

    @property
    def limit(self) -> Array:
        """int32 [queries]."""
        return (self.best[:, -1] >> 32).astype(np.int32)

    def offer(self, query: Array, distance: Array, key: Array) -> None:
        """Keep what is nearer than what is held. `query` is sorted; a key may be offered again."""
        near = np.flatnonzero(distance <= self.limit[query])
        query, joined = query[near], distance[near].astype(np.int64) << 32 | key[near]
        if not len(query):
            return
        first = np.flatnonzero(np.diff(query, prepend=-1))
        asked, top = query[first], self.best.shape[1]
        if top == 1:
            nearest = np.minimum.reduceat(joined, first)
            self.best[asked, 0] = np.minimum(self.best[asked, 0], nearest)
            return
        owner = np.concatenate([query, np.repeat(asked, top)])
        joined = np.concatenate([joined, self.best[asked].ravel()])
        order = np.lexsort((joined, owner))
        owner, joined = owner[order], joined[order]
        same = (owner[1:] == owner[:-1]) & (joined[1:] == joined[:-1])
        kept = np.concatenate([[True], ~same]) | (joined >> 32 == FAR)
        owner, joined = owner[kept], joined[kept]
        rank = _rank(owner)
        kept = rank < top
        self.best[owner[kept], rank[kept]] = joined[kept]

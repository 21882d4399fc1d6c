"""The digit index: nearest keys, exact or within a number of opened buckets; grows and shrinks.

    exact    equals brute force to the bit, ties to the lower key number
    probes   opens at most so many buckets a query and group; `recall` says what that costs

Memory, in bytes, for n keys of D coordinates with P digits in G groups of g coordinates, N tree
nodes, R rows of s slots (`memory_formula` counts it, `nbytes` measures it):
    n D (8 + P) + sum over groups of (n (g P + 4 + 4 + 8) + 24 N + (4 s + 4) R)
Source: section "You find the weight index" of the note; see buckets.py and search.py.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from partbench.core.errors import CheckpointError, ConfigError, DataError
from partbench.models.noise_keys.arrays import Grown
from partbench.models.noise_keys.buckets import NODE_COLUMNS, Buckets
from partbench.models.noise_keys.digits import Metric
from partbench.models.noise_keys.search import FAR, Group, Levels, Nearest, walk

Array = np.ndarray
GROUP_AXES = 4
"""Coordinates a group has at most: their first digits then make 10^4 cells."""
FIRST_BEAM = 2
"""Buckets opened a coordinate of the group to find a first good key before the exact search."""
WORK = 1 << 20
"""Frontier entries that a block of queries may have, about; blocks adapt to it."""


class DigitIndex:
    """Whole-number keys [n, D] from 0 to 10^P - 1 under a `metric`, asked for the nearest.

    slots: keys a bucket holds; max_kicks: see buckets.py; axes_per_group: coordinates a group.
    """

    def __init__(
        self,
        metric: Metric,
        numbers: Array,
        *,
        slots: int = 16,
        max_kicks: int = 4,
        axes_per_group: int = GROUP_AXES,
    ) -> None:
        self.metric = metric
        self.settings = {"slots": slots, "max_kicks": max_kicks, "axes_per_group": axes_per_group}
        for name, least in (("slots", 1), ("max_kicks", 0), ("axes_per_group", 1)):
            if self.settings[name] < least:
                raise ConfigError(f"index.{name}: {self.settings[name]}; give {least} or more")
        numbers = self._checked(numbers)
        self._numbers = Grown(numbers)
        self._digits = Grown(self._by_place(numbers))  # [n, P, D]
        self._alive = Grown(np.ones(len(numbers), bool))
        parts = -(-metric.axes // min(axes_per_group, GROUP_AXES))
        self.groups = []
        for axes in np.array_split(np.arange(metric.axes), parts):
            digits = self._interleaved(self._digits.data, axes)
            buckets = Buckets(digits, slots, max_kicks)
            self.groups.append(Group(tuple(map(int, axes)), buckets, Grown(_cells(digits, axes))))
        self._block = 64

    def __len__(self) -> int:
        return int(self._alive.data.sum())

    @property
    def numbers(self) -> Array:
        """All keys ever put in, by number, int64 [n, D]; deleted ones too."""
        return self._numbers.data

    def insert(self, numbers: Array) -> Array:
        """Put in keys [m, D]; their numbers, int64 [m], which go on from the last."""
        numbers = self._checked(numbers)
        digits = self._by_place(numbers)
        start = self._numbers.append(numbers)
        self._digits.append(digits)
        self._alive.append(np.ones(len(numbers), bool))
        new = np.arange(start, start + len(numbers))
        for group in self.groups:
            own = self._interleaved(digits, group.axes)
            group.first.append(_cells(own, group.axes))
            group.buckets.add(own)
            for key in new:
                group.buckets.insert(int(key))
        return new

    def delete(self, keys: Array) -> None:
        """Take out keys by number; DataError for one that is not there."""
        for key in np.atleast_1d(keys):
            if not 0 <= key < len(self._alive.data) or not self._alive.data[key]:
                raise DataError(f"index: there is no key {key}; it holds {len(self)} keys")
            self._alive.data[key] = False
            for group in self.groups:
                group.buckets.delete(int(key))

    def query(self, queries: Array, top: int = 1, probes: int | None = None) -> tuple[Array, Array]:
        """The `top` nearest keys of each query: numbers int64 and distances int32 [queries, top].

        probes: None is exact; else the buckets opened a query and group, at most. Where fewer keys
        were found the number is -1 and the distance search.FAR.
        """
        queries = self._checked(queries)
        if top < 1 or (probes is not None and probes < 1):
            raise ConfigError(f"index: top {top} and probes {probes} must be 1 or more")
        found = np.zeros((len(queries), top), np.int64)
        start = 0
        while start < len(queries):
            block = queries[start : start + self._block]
            found[start : start + len(block)], work = self._ask(block, top, probes)
            start += len(block)
            wanted = len(block) * WORK / (1 + work)
            self._block = int(np.clip(wanted, max(1, self._block // 4), 4 * self._block))
            self._block = min(self._block, 4096)
        distance = (found >> 32).astype(np.int32)
        return np.where(distance == FAR, -1, found & 0xFFFFFFFF), distance

    def recall(self, queries: Array, probes: int) -> float:
        """Share of `queries` whose nearest key is found when only so many buckets are opened."""
        exact, near = self.query(queries)[1], self.query(queries, probes=probes)[1]
        return float((exact == near).mean())

    def _ask(self, queries: Array, top: int, probes: int | None) -> tuple[Array, int]:
        nearest = Nearest(len(queries), top)
        levels = [Levels(self.metric, group.axes, queries) for group in self.groups]
        work = 0
        beam = probes or max(
            1 if self.metric.axes == 1 else FIRST_BEAM * len(self.groups[0].axes),
            -(-2 * top // self.settings["slots"]),
        )
        for group, level in zip(self.groups, levels, strict=True):
            far = np.full(len(queries), FAR, np.int32)
            for query, _, key in walk(group, level, far, beam):
                work += len(query)
                nearest.offer(query, *self._measured(levels, query, key, nearest.limit))
        if probes is not None:
            return nearest.best, work
        for number, (group, level) in enumerate(zip(self.groups, levels, strict=True)):
            limit = nearest.limit // len(self.groups)
            for query, bound, key in walk(group, level, limit):
                work += 4 * len(query)
                query, key = self._sifted(number, levels, query, bound, key, nearest.limit)
                nearest.offer(query, *self._measured(levels, query, key, nearest.limit))
                limit[:] = nearest.limit // len(self.groups)
        return nearest.best, work

    def _sifted(
        self, own: int, levels: list[Levels], query: Array, bound: Array, key: Array, limit: Array
    ) -> tuple[Array, Array]:
        """Leave out keys that the first digits of the other groups rule out already."""
        for number, level in enumerate(levels):
            if number != own and len(key):
                group = self.groups[number]
                table = np.zeros((len(limit), 1), np.int32)
                for depth in range(len(group.axes)):
                    table = (table[:, :, None] + level.costs(depth)[:, :1]).reshape(len(limit), -1)
                place = query.astype(np.int64) * table.shape[1] + group.first.data[key]
                bound = bound + table.ravel().take(place)
                near = np.flatnonzero(bound <= limit[query])
                query, bound, key = query[near], bound[near], key[near]
        return query, key

    def _measured(
        self, levels: list[Levels], query: Array, key: Array, limit: Array
    ) -> tuple[Array, Array]:
        """Distance and key of each pair; where it passes the limit it is FAR."""
        distance = np.full(len(key), FAR, np.int32)
        asked = levels[0]
        if self.metric.kind == "numeric":
            distance[:] = np.abs(asked.queries[query] - self.numbers[key]).sum(1)
            return distance, key
        at, total = np.arange(len(key)), np.zeros(len(key), np.int32)
        tens = asked.digits.transpose(0, 2, 1) * np.uint8(10)
        for place, costs in enumerate(self.metric.costs):
            pair = tens[query[at], place] + self._digits.data[key[at], place]
            total = total + costs.ravel().take(pair).sum(1, dtype=np.int32)
            near = total <= limit[query[at]]
            at, total = at[near], total[near]
            if not len(at):
                break
        distance[at] = total
        return distance, key

    def _checked(self, numbers: Array) -> Array:
        found = np.asarray(numbers)
        top = 10**self.metric.places
        if found.ndim != 2 or found.shape[1] != self.metric.axes or found.dtype.kind not in "iu":
            raise DataError(
                f"index: keys must be whole numbers [keys, {self.metric.axes}], not {found.dtype} "
                f"{list(found.shape)}; multiply keys in [0, 1) by {top} and round down"
            )
        if found.size and (found.min() < 0 or found.max() >= top):
            raise DataError(f"index: keys must lie from 0 to {top - 1}")
        return found.astype(np.int64)

    @staticmethod
    def _interleaved(digits: Array, axes: Any) -> Array:
        """[n, P, D] -> the group's digits by significance, then coordinate: [n, P g]."""
        return digits[:, :, list(axes)].reshape(len(digits), digits.shape[1] * len(axes))

    def _by_place(self, numbers: Array) -> Array:
        return self.metric.digits(numbers).transpose(0, 2, 1).copy()

    # -- what it takes, and keeping it -----------------------------------------------------------

    @property
    def nbytes(self) -> int:
        """Bytes that the arrays in use take."""
        own = self._numbers.data.nbytes + self._digits.data.nbytes
        for group in self.groups:
            own += group.buckets.nbytes + group.first.data.nbytes
        return own

    def memory_formula(self) -> int:
        """The same from the number of keys, nodes and rows, by the formula at the top."""
        n, metric, slots = len(self._numbers.data), self.metric, self.settings["slots"]
        total = n * metric.axes * (8 + metric.places)
        for group in self.groups:
            nodes, rows = group.buckets.sizes
            total += n * (len(group.axes) * metric.places + 4 + 4 + 8)
            total += 4 * len(NODE_COLUMNS) * nodes + (4 * slots + 4) * rows
        return total

    @property
    def load(self) -> float:
        """Share of the slots that hold a key, in the first group."""
        _, rows = self.groups[0].buckets.sizes
        return len(self) / max(1, rows * self.settings["slots"])

    def save(self, path: Path) -> None:
        """Write keys and settings to a safetensors file; the layout is made anew on loading."""
        from safetensors.numpy import save_file

        kept = {name: getattr(self.metric, name) for name in Metric.__dataclass_fields__}
        text = json.dumps({"metric": kept, "settings": self.settings})
        arrays = {"numbers": self.numbers, "alive": self._alive.data.astype(np.uint8)}
        save_file(arrays, path, metadata={"index": text})

    @classmethod
    def load_from(cls, path: Path) -> "DigitIndex":
        """The index that was saved; CheckpointError where the file is damaged or another."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, framework="numpy") as file:
                facts = json.loads((file.metadata() or {})["index"])
                numbers, alive = file.get_tensor("numbers"), file.get_tensor("alive")
            made = cls(Metric(**facts["metric"]), numbers, **facts["settings"])
        except (SafetensorError, KeyError, ValueError, TypeError, OSError) as error:
            raise CheckpointError(f"{path}: damaged or no digit index ({error})") from None
        made.delete(np.flatnonzero(alive == 0))
        return made


def _cells(digits: Array, axes: Any) -> Array:
    """The first digit of each coordinate as one number, int32 [n]."""
    powers = 10 ** np.arange(len(axes) - 1, -1, -1, dtype=np.int32)
    return (digits[:, : len(axes)] * powers).sum(1, dtype=np.int32)

"""Sequence pairs: from an input to an output of another length, learned one pair at a time.

    a_1 .. a_n -> b_1 .. b_m:   hop h of input i meets output (i - 1) hops + h; beyond the input the
                                node is fed its own last emission
    p(b_t) = mean of the node's and the sentences' distribution
    sentences: the noise that the most similar past inputs used at step t, taken from this key

Output ends by a learned end token, or where its moments are within `tolerance` of those intended.
Source: the note, sections on n-to-m mappings; which pair's noise is used when is ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from partbench.core.errors import DataError
from partbench.models.noise_keys import moments, tables
from partbench.models.noise_keys.digits import Metric
from partbench.models.noise_keys.landing import Map
from partbench.models.noise_keys.look_ahead import Game
from partbench.models.noise_keys.memory import Memory, Shape, Steps
from partbench.models.noise_keys.node import Node
from partbench.models.noise_keys.noises import Noises
from partbench.models.noise_keys.stubs import Search, World, best

Array = np.ndarray
Pair = tuple[tuple[int, ...], tuple[int, ...]]
TINY = 1e-12


@dataclass(frozen=True)
class Settings:
    """How pairs are answered. stop: "end" (a learned token), "kernel" or "middle" (moments);
    hops: noises an input token; mu: what a mismatch of moments costs; sentences: past inputs whose
    noise is used; signature, layer: how inputs are compared; depth, adversary: of look-ahead."""

    stop: Literal["end", "kernel", "middle"] = "kernel"
    hops: int = 1
    mu: float = 1.0
    tolerance: float = 0.02
    sentences: int = 4
    signature: str = "pyramid"
    layer: int = 0
    search: Search = Search()  # noqa: RUF009 - a tuple
    depth: int = 0
    adversary: bool = False


class Pairs:
    """A memory of pairs of tokens below `vocab`, each called by its number or by `names`."""

    def __init__(
        self,
        vocab: int,
        g: Map,
        settings: Settings = Settings(),
        *,
        metric: Metric = Metric(),  # noqa: B008 - frozen
        seed: int = 0,
        names: Sequence[str] | None = None,
        order: int = 3,
    ) -> None:
        self.vocab, self.g, self.settings, self.metric = vocab, g, settings, metric
        called = [*(names or map(str, range(vocab))), "end of output"]
        keys = tables.random_keys(seed, called, metric.axes, metric.places)
        self.memory = Memory(keys, Noises(metric.places, 0), Shape(order=order, window=2))
        self.middle = moments.Middle(metric.axes)
        self.past: dict[Pair, int] = {}
        self.visited = 0
        self._node: Node | None = None
        self._kernel: moments.Kernel | None = None

    # -- learning --------------------------------------------------------------------------------

    def learn(self, pairs: Sequence[Pair], sign: int = 1) -> None:
        """Add pairs, in any order and any pieces; with sign -1 take away what was added.

        Raises DataError, with nothing changed, for an empty side, a token beyond the vocabulary, or
        a pair that was never learned.
        """
        left = dict(self.past)
        for pair in pairs:
            self._check(pair)
            left[pair] = left.get(pair, 0) + sign
            if left[pair] < 0:
                raise DataError("pairs: this pair was never learned, so it cannot be unlearned")
        steps = [self._steps(pair) for pair in pairs]
        if steps:
            self.memory.learn(_padded(steps), sign)
        for pair, (a, b) in zip(pairs, steps, strict=True):
            x, y = (self.memory.keys[np.array(row)] for row in (a, b))
            keep = len(pair[1])
            lengths = (len(pair[0]), keep)
            self.middle.add(x[:keep], (x - y)[:keep], lengths, sign)
        self.past = {pair: number for pair, number in sorted(left.items()) if number}
        self._node = self._kernel = None

    def unlearn(self, pairs: Sequence[Pair]) -> None:
        """Take pairs away: the state is then as if they had never been learned."""
        self.learn(pairs, -1)

    def _check(self, pair: Pair) -> None:
        for side in pair:
            if not side or not all(0 <= token < self.vocab for token in side):
                raise DataError(
                    f"pairs: a side is a tuple of tokens from 0 to {self.vocab - 1}, at least one"
                )

    def _steps(self, pair: Pair) -> tuple[list[int], list[int]]:
        out = [*pair[1], *([self.vocab] if self.settings.stop == "end" else [])]
        return self._fed(pair[0], out[:-1]), out

    def _fed(self, given: Sequence[int], emitted: Sequence[int]) -> list[int]:
        """The token that comes in at each step up to the one after `emitted`."""
        hops = self.settings.hops
        fed = [token for token in given for _ in range(hops)][: len(emitted) + 1]
        return fed + list(emitted[len(fed) - 1 : len(emitted)]) if len(fed) <= len(emitted) else fed

    # -- answering -------------------------------------------------------------------------------

    def answer(self, given: Sequence[int]) -> tuple[int, ...]:
        """The output for an input; DataError before anything was learned."""
        if not self.past:
            raise DataError("pairs: nothing has been learned yet; call learn first")
        self._check((tuple(given), tuple(given)))
        keys = self.memory.keys / self.memory.top
        query = keys[list(given)]
        intended = self.kernel.intended(query)
        if self.settings.stop == "middle":
            intended = self.middle.intended(query, self.memory.top)
        ends = self.settings.stop == "end"
        mu = 0.0 if ends else self.settings.mu
        near, weight = self.kernel.nearest(query)

        def gap(tokens: Array) -> Array:
            held = keys[tokens]
            return moments.mismatch(held.mean(1), held.var(1), intended)

        def stop(tokens: Array) -> Array:
            if ends:
                return tokens[:, -1] == self.vocab
            length = tokens.shape[1]
            return moments.may_stop(length, gap(tokens), intended, self.settings.tolerance)

        world = World(lambda t: self._likely(given, t, near, weight), lambda t: mu * gap(t), stop)
        if self.settings.depth:
            world = world._replace(ahead=lambda t, total: self._ahead(world, t, total))
        longest = 2 * max(len(b) for _, b in self.past) + 1 if ends else intended.longest
        found = best(world, self.settings.search, longest)
        return tuple(int(token) for token in found if token != self.vocab)

    @property
    def node(self) -> Node:
        """The node over what was learned."""
        if self._node is None:
            experts = ["markov"]
            self._node = Node(self.memory, self.metric, self.g, experts=experts)
            self._node.temperature = TEMPERATURE
        return self._node

    @property
    def kernel(self) -> moments.Kernel:
        """The regression over past pairs."""
        if self._kernel is None:
            keys = self.memory.keys / self.memory.top
            given, wanted = ([keys[list(pair[side])] for pair in self.past] for side in (0, 1))
            setting = self.settings
            self._kernel = moments.Kernel(
                given, wanted, setting.signature, setting.layer, setting.sentences
            )
            self._noise = _stacked([self._noise_of(pair) for pair in self.past])
        return self._kernel

    def _noise_of(self, pair: Pair) -> Array:
        a, b = (self.memory.keys[np.array(row)] for row in self._steps(pair))
        return a - b

    def _likely(self, given: Sequence[int], tokens: Array, near: Array, weight: Array) -> Array:
        """log p of the next token of each stub [stubs, vocab + 1]; no end token unless it ends."""
        step = tokens.shape[1]
        fed = np.array([self._fed(given, row) for row in tokens.tolist()])
        out = np.concatenate([tokens, fed[:, -1:]], axis=1)
        kept = slice(max(0, step - self.memory.shape.order - 2), None)
        node = self.node
        whole = node.dense(node.spreads(fed[:, kept], out[:, kept]))
        p = whole.reshape(len(tokens), -1, *whole.shape[1:])[:, -1, 0]
        noise, lasts = self._noise
        there = lasts[near] > step
        if there.any():
            landing = self.memory.keys[fed[:, -1]][:, None] - noise[near[there], step]
            landing %= self.memory.top
            close, distance = node.landings.near(landing.reshape(-1, landing.shape[-1]))
            g = (
                node.near(distance)
                * np.tile(weight[there] / weight[there].sum(), len(fed))[:, None]
            )
            rows = np.repeat(np.arange(len(fed)), there.sum())[:, None]
            voted = np.zeros_like(p)
            np.add.at(voted, (rows, close), g)
            p = (p + voted) / 2
        if self.settings.stop != "end":
            p[:, self.vocab] = 0.0
        return np.asarray(np.log(np.maximum(p, TINY)))

    def _ahead(self, world: World, tokens: Array, total: Array) -> Array:
        """Scores of stubs that look `depth` tokens further."""
        width = self.settings.search.width or self.vocab

        def moves(stub: tuple[int, ...]) -> list[tuple[int, float]]:
            row = world.likely(np.array([stub]))[0]
            return [(int(v), float(row[v])) for v in np.argsort(-row, kind="stable")[:width]]

        confused = self._confused() if self.settings.adversary else []

        def replies(stub: tuple[int, ...], token: int) -> list[int]:
            return confused[token]

        game = Game(
            moves,
            replies if self.settings.adversary else None,
            lambda stub, sum_: sum_ / len(stub) - float(world.penalty(np.array([stub]))[0]),
            lambda sum_, length: sum_ / length,
        )
        found = [game.value(tuple(row), float(sum_), self.settings.depth)
                 for row, sum_ in zip(tokens.tolist(), total, strict=True)]  # fmt: skip
        self.visited += game.visited
        return np.array(found)

    def _confused(self) -> list[list[int]]:
        """What the adversary may make of each token: where its key lands, one standard deviation of
        all noise over the tokens' number off in one coordinate, up or down."""
        keys, top = self.memory.keys, self.memory.top
        noise = self._noise[0].reshape(-1, keys.shape[1])
        off = np.rint(noise.std(0) / len(keys)).astype(np.int64)
        moves = np.concatenate([0 * off[None], np.diag(off), -np.diag(off)])
        landing = np.clip(keys[:, None] + moves, 0, top - 1).reshape(-1, keys.shape[1])
        near = self.node.landings.index.query(landing)[0].reshape(len(keys), -1)
        return [sorted(set(row)) for row in near.tolist()]


TEMPERATURE = 0.05
"""Of the map from distances to chances; learned noise lands exactly, so that it hardly matters."""


def _padded(rows: list[tuple[list[int], list[int]]]) -> Steps:
    longest = max(len(b) for _, b in rows)
    inputs, outputs = np.zeros((2, len(rows), longest), np.int64)
    counted = np.zeros((len(rows), longest), bool)
    for number, (a, b) in enumerate(rows):
        inputs[number, : len(b)], outputs[number, : len(b)] = a, b
        counted[number, : len(b)] = True
    return Steps(inputs, outputs, counted)


def _stacked(rows: list[Array]) -> tuple[Array, Array]:
    lengths = np.array([len(row) for row in rows])
    found = np.zeros((len(rows), lengths.max(), rows[0].shape[1]), np.int64)
    for number, row in enumerate(rows):
        found[number, : len(row)] = row
    return found, lengths

"""The one node: it loops on itself, and what moves is not the node but the choice of noise.

    A   the last w input tokens' keys and noise codes
    B   counts of code after history (markov.py), with how long codes last: "markov", "durations"
    C   generated noise (generator.py): "acting_on_a"; added to B's likeliest: "acting_on_b"
    and a vote of like windows (signatures.py): "neighbours"

    p(v) = sum_e w_e p_e(v),   p_e by where the expert's noises take K[a_t] (landing.py)

What no expert knows goes to the floor: how often each token was emitted, plus one.
Source: the note's nodes; which expert does what in numbers is ours, see docs/noise-key.md.
"""

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np

from partbench.models.noise_keys import generator, markov, neighbours
from partbench.models.noise_keys.digits import Metric
from partbench.models.noise_keys.index import DigitIndex
from partbench.models.noise_keys.landing import Landings, Map, Spread, chances, closeness, dense
from partbench.models.noise_keys.memory import Memory, ages
from partbench.models.noise_keys.noises import centres
from partbench.models.noise_keys.tally import mixed

Array = np.ndarray
EXPERTS = ("markov", "durations", "acting_on_a", "acting_on_b", "neighbours")


class Node:
    """Answers from a memory; made anew whenever the memory has changed.

    reach: tokens near a landing that get a chance; breadth: codes followed without a history;
    draws: noises that C generates a step; look: how the neighbours' windows are compared.
    """

    def __init__(
        self,
        memory: Memory,
        metric: Metric,
        g: Map,
        *,
        experts: Sequence[str],
        reach: int = 4,
        breadth: int = 64,
        draws: int = 4,
        look: neighbours.Look = neighbours.Look(),  # noqa: B008 - frozen
        index: DigitIndex | None = None,
    ) -> None:
        self.memory, self.metric, self.g, self.experts = memory, metric, g, list(experts)
        self.keys = memory.keys
        self.breadth, self.num_draws, self.look = breadth, draws, look
        self.landings = Landings(index or DigitIndex(metric, memory.keys), reach)
        self.temperature = 0.05
        counts = np.ones(len(memory.keys))
        counts[memory.emitted.keys[:, 0]] += memory.emitted.counts[:, 0]
        self.floor = counts / counts.sum()

    @cached_property
    def levels(self) -> list[markov.Level]:
        """B's counts as shares."""
        return markov.prepared(self.memory.grams)

    @cached_property
    def centres(self) -> Array:
        """The noise of each code, int64 [codes, D]."""
        return centres(self.memory.book)

    @cached_property
    def middles(self) -> Array:
        """The middle of each code's cell, which C corrects: int64 [codes, D]."""
        return self.centres - self.memory.noises.cut(self.centres)[1]

    @cached_property
    def fit(self) -> generator.Fit:
        """C's regression."""
        return generator.solved(self.memory.xx, self.memory.xy)

    @cached_property
    def stays(self) -> tuple[Array, Array]:
        """Fingerprints of (code, age), sorted, and how often it was there and stayed."""
        marks = mixed(*self.memory.runs.keys.T)
        order = np.argsort(marks)
        return marks[order], self.memory.runs.counts[order]

    @cached_property
    def votes(self) -> neighbours.Votes:
        """The windows that are remembered, with their signatures."""
        memory = self.memory
        return neighbours.Votes(memory.windows, memory.keys / memory.top, self.look)

    def near(self, distance: Array) -> Array:
        """g of distances at the present temperature."""
        return closeness(distance, self.temperature, self.metric.unit, self.g)

    def spreads(self, inputs: Array, emitted: Array) -> list[Spread]:
        """Each expert's distribution after every step of [rows, time], flattened row by row.

        emitted: what went out at each step; step t's own and later ones are not looked at.
        """
        if not len(self.memory.book.keys):
            return [self._nothing(inputs.size) for _ in self.experts]
        found = {}
        if set(self.experts) & {"markov", "durations", "acting_on_b"}:
            found["markov"] = self._markov(inputs, emitted)
        makers: dict[str, Callable[[], Spread]] = {
            "markov": lambda: found["markov"][0],
            "durations": lambda: self._durations(inputs, emitted, found["markov"][0]),
            "acting_on_a": lambda: self._generated(inputs, emitted, None),
            "acting_on_b": lambda: self._generated(inputs, emitted, found["markov"][1]),
            "neighbours": lambda: self.votes.spread(inputs),
        }
        return [makers[name]() for name in self.experts]

    def chances(self, spreads: list[Spread], wanted: Array) -> Array:
        """p_e of the wanted token at each position: float64 [positions, experts]."""
        columns = [chances(spread, wanted, self.floor, self.near) for spread in spreads]
        return np.stack(columns, axis=1)

    def dense(self, spreads: list[Spread]) -> Array:
        """p_e of every token: float64 [positions, experts, vocab]."""
        return np.stack([dense(spread, self.floor, self.near) for spread in spreads], axis=1)

    def _nothing(self, positions: int) -> Spread:
        none = np.zeros(0, np.int64)
        shape = (0, self.landings.reach)
        return Spread(none, none, np.zeros(0), np.zeros(shape, np.int64),
                      np.zeros(shape, np.int32), np.ones(positions))  # fmt: skip

    def _landed(self, position: Array, tokens: Array, code: Array, weight: Array, rest: Array
                ) -> Spread:  # fmt: skip
        """Where codes, by their row in the book, take the input tokens at the positions."""
        many, memory = len(self.centres), self.memory
        row = self.landings.rows(
            tokens[position] * many + code,
            lambda pair: memory.noises.applied(
                memory.keys[pair // many], self.centres[pair % many]
            ),
        )
        return Spread(position, row, weight, self.landings.tokens, self.landings.distance, rest)

    def _markov(self, inputs: Array, emitted: Array) -> tuple[Spread, Array]:
        """B's distribution, and its likeliest code at each position, by row in the book (or -1)."""
        shape = self.memory.shape
        codes = self.memory.states(inputs, emitted).codes
        history = markov.histories(inputs, codes, shape.order, shape.through)
        length = markov.lengths(inputs.shape[1], shape.order, shape.through)
        lengths = np.broadcast_to(length, inputs.shape).ravel()
        leaf = markov.followers(self.levels, [h.ravel() for h in history], lengths, self.breadth)
        row = np.searchsorted(self.memory.book.keys[:, 0], leaf.code)
        likeliest = np.full(inputs.size, -1)
        order = np.lexsort((-row, leaf.weight, leaf.position))
        likeliest[leaf.position[order]] = row[order]  # the last, heaviest, of each position stays
        flat = inputs.ravel()
        return self._landed(leaf.position, flat, row, leaf.weight, leaf.rest), likeliest

    def _durations(self, inputs: Array, emitted: Array, markov_: Spread) -> Spread:
        """B, but the last code stays with the chance that codes of its age have stayed."""
        memory = self.memory
        codes = memory.states(inputs, emitted).codes
        last, age = (np.roll(item, 1, axis=1).ravel() for item in (codes, ages(codes)))
        marks, counts = self.stays
        rate = counts[:, 1].sum() + 1
        rate = rate / (counts[:, 0].sum() + 2)
        wanted = mixed(last, age)
        row = np.minimum(np.searchsorted(marks, wanted), max(0, len(marks) - 1))
        seen = np.zeros((len(wanted), 2))
        if len(marks):
            seen = np.where((marks[row] == wanted)[:, None], counts[row], 0)
        stays = (seen[:, 1] + rate) / (seen[:, 0] + 1)
        begun = (np.arange(inputs.shape[1]) > 0) & np.ones(inputs.shape, bool)
        row = np.searchsorted(memory.book.keys[:, 0], last)
        inside = np.minimum(row, len(memory.book.keys) - 1)
        there = begun.ravel() & (memory.book.keys[inside, 0] == last)
        stays = np.where(there, stays, 0.0)
        at = np.flatnonzero(there)
        own = self._landed(at, inputs.ravel(), row[at], stays[at], 1 - stays)
        return Spread(
            np.concatenate([markov_.position, own.position]),
            np.concatenate([markov_.row, own.row + len(markov_.tokens)]),
            np.concatenate([markov_.weight * (1 - stays[markov_.position]), own.weight]),
            np.concatenate([markov_.tokens, own.tokens]),
            np.concatenate([markov_.distance, own.distance]),
            markov_.rest * (1 - stays),
        )

    def _generated(self, inputs: Array, emitted: Array, likeliest: Array | None) -> Spread:
        """C's noise drawn around its regression, or B's likeliest code and C's correction."""
        memory, axes = self.memory, self.memory.keys.shape[1]
        keys = memory.keys[inputs]
        signed = keys - memory.keys[emitted]
        x = generator.features(keys, signed, memory.shape.window, memory.top)
        x = x.reshape(inputs.size, -1) / generator.SCALE
        half = slice(0, axes) if likeliest is None else slice(axes, 2 * axes)
        centre = x @ self.fit.weights[:, half] * memory.top
        position = np.arange(inputs.size)
        rest = np.zeros(inputs.size)
        number = self.num_draws
        if likeliest is not None:
            known = likeliest >= 0
            rest = np.where(known, 0.0, 1.0)
            position = np.flatnonzero(known)
            centre = centre[known] + self.middles[likeliest[known]]
            number = 1
        around = generator.draws(0, number, axes) * self.fit.deviation[half] * memory.top
        noise = np.rint(centre[:, None] + around).astype(np.int64).reshape(-1, axes)
        position = np.repeat(position, number)
        landing = memory.noises.applied(keys.reshape(-1, axes)[position], noise)
        tokens, distance = self.landings.near(landing)
        weight = np.full(len(position), 1 / number)
        return Spread(position, np.arange(len(position)), weight, tokens, distance, rest)

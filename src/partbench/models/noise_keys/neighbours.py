"""A vote of like windows: what came after those remembered windows whose signature is near.

    p(v) = sum over the k nearest windows of exp(-d / mean d) [its output is v]  /  sum of the same

Settings of `Look`: signature, layer and pair as in signatures.py, or signature = "tokens", which
compares the windows' tokens place by place (the number that differ): kNN over token windows.
Source: the note compares a prompt with past sentences by signatures; the vote is ours.
"""

from dataclasses import dataclass

import numpy as np

from partbench.models.noise_keys.landing import Spread
from partbench.models.noise_keys.memory import windows
from partbench.models.noise_keys.signatures import signature
from partbench.models.noise_keys.tally import Tally

Array = np.ndarray
PIECE = 1 << 22
"""Pairs of windows that are compared together."""


@dataclass(frozen=True)
class Look:
    """How windows are compared, and how many of the nearest vote."""

    signature: str = "pyramid"
    layer: int = 0
    pair: str = "half_difference"
    count: int = 16


class Votes:
    """Windows of a tally (fingerprint, output, tokens newest first) -> count, ready to be asked.

    keys: the table in [0, 1), float64 [vocab, D].
    """

    def __init__(self, table: Tally, keys: Array, look: Look) -> None:
        self.look, self.keys = look, keys
        self.outputs, self.weight = table.keys[:, 1], table.counts[:, 0].astype(float)
        self.window = table.keys.shape[1] - 2
        self.points = self._points(table.keys[:, 2:])

    def _points(self, tokens: Array) -> Array:
        if self.look.signature == "tokens":
            return tokens
        look = self.look
        return signature(self.keys[tokens], look.signature, look.layer, look.pair)

    def spread(self, inputs: Array) -> Spread:
        """The vote after every step of [rows, time]; a step with too short a past has none."""
        rows, time = inputs.shape
        rest = np.ones(rows * time)
        many = min(self.look.count, len(self.points))
        if time < self.window or not many:
            none = np.zeros(0, np.int64)
            return Spread(none, none, np.zeros(0), np.zeros((0, 1), np.int64),
                          np.zeros((0, 1), np.int32), rest)  # fmt: skip
        asked = self._points(windows(inputs, self.window)).reshape(
            rows * (time - self.window + 1), -1
        )
        near, gap = self._nearest(asked, many)
        scale = np.maximum(gap.mean(1, keepdims=True), 1e-12)
        weight = self.weight[near] * np.exp(-gap / scale)
        weight /= weight.sum(1, keepdims=True)
        at = np.arange(rows)[:, None] * time + np.arange(self.window - 1, time)
        position = np.repeat(at.ravel(), many)
        rest[at.ravel()] = 0.0
        tokens, distance = self.outputs[near].reshape(-1, 1), np.zeros((near.size, 1), np.int32)
        return Spread(position, np.arange(near.size), weight.ravel(), tokens, distance, rest)

    def _nearest(self, asked: Array, many: int) -> tuple[Array, Array]:
        """Numbers and distances of the nearest windows, ties to the lower number."""
        found, gaps = [], []
        step = max(1, PIECE // len(self.points))
        for start in range(0, len(asked), step):
            part = self._gap(asked[start : start + step])
            near = np.argpartition(part, many - 1, axis=1)[:, :many]
            near.sort(axis=1)
            gap = np.take_along_axis(part, near, 1)
            found.append(near)
            gaps.append(gap)
        return np.concatenate(found), np.concatenate(gaps)

    def _gap(self, asked: Array) -> Array:
        """Distances [asked, windows]: places that differ, or the Euclidean between signatures."""
        if self.look.signature == "tokens":
            gap = np.zeros((len(asked), len(self.points)), np.float32)
            for place in range(self.window):
                gap += asked[:, place, None] != self.points[:, place]
            return gap
        squares = np.square(asked).sum(1)[:, None] + np.square(self.points).sum(1)
        return np.sqrt(np.maximum(squares - 2 * asked @ self.points.T, 0))

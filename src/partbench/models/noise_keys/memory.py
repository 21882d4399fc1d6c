"""What the node has learned: tallies and sums of whole numbers, nothing else.

All of it adds up, in any order, and can be taken away; what is used to answer is made from it anew.
Memory in bytes, for V tokens with D coordinates, C codes, G_k grams of length k, R runs,
S windows of w tokens, and F = 1 + 2 w D features (`memory_formula` counts it, `nbytes` measures):
    8 (V D + 2 V' + (2 + D) C + 4 sum_k G_k + 4 R + (3 + w) S + F^2 + (F + 1) 2 D)
V' are the tokens that were ever emitted.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from partbench.models.noise_keys import generator, markov
from partbench.models.noise_keys.noises import Noises
from partbench.models.noise_keys.tally import Tally, mixed

Array = np.ndarray


@dataclass(frozen=True)
class Shape:
    """How the node remembers. order: codes of a history; window: states that C and the signatures
    look back on; thin: one window in so many is kept (by its fingerprint), 0 for none."""

    order: int = 4
    through: markov.Through = "token"
    window: int = 4
    thin: int = 0


class Steps(NamedTuple):
    """Aligned steps [rows, time]: tokens that come in, tokens that go out, and which count."""

    inputs: Array
    outputs: Array
    counted: Array


class States(NamedTuple):
    """What the node knows of steps [rows, time]: noise, its code, what the code leaves out."""

    noise: Array
    codes: Array
    left: Array


class Memory:
    """The learned state of a node over a key table int64 [vocab, D]."""

    def __init__(self, keys: Array, noises: Noises, shape: Shape) -> None:
        self.keys, self.noises, self.shape = keys, noises, shape
        axes = keys.shape[1]
        self.book = Tally(1, 1 + axes)
        self.grams = [Tally(3) for _ in range(shape.order + 1)]
        self.emitted = Tally(1)
        self.runs = Tally(2, 2)
        self.windows = Tally(2 + shape.window)
        size = 1 + 2 * shape.window * axes
        self.xx = np.zeros((size, size), np.int64)
        self.xy = np.zeros((size + 1, 2 * axes), np.int64)

    def states(self, inputs: Array, outputs: Array) -> States:
        """Noise, codes and leftovers of steps [rows, time]."""
        noise = self.noises.between(self.keys[inputs], self.keys[outputs])
        codes, left = self.noises.cut(noise)
        return States(noise, codes, left)

    def learn(self, steps: Steps, sign: int = 1) -> None:
        """Add steps, or with sign -1 take away what was added: the state is then as before, bit for
        bit. DataError for what was never learned, with nothing changed."""
        state, shape = self.states(steps.inputs, steps.outputs), self.shape
        on = steps.counted
        code = state.codes[on]
        ones = np.ones((len(code), 1), np.int64)
        found = [(self.book, code[:, None], np.concatenate([ones, state.noise[on]], axis=1))]
        history = markov.histories(steps.inputs, state.codes, shape.order, shape.through)
        length = markov.lengths(on.shape[1], shape.order, shape.through)
        for number, table in enumerate(self.grams):
            there = on & (length >= number)
            shorter = history[max(0, number - 1)]
            gram = [item[there] for item in (history[number], state.codes, shorter)]
            found.append((table, np.stack(gram, axis=1), np.ones((len(gram[0]), 1), np.int64)))
        found.append((self.emitted, steps.outputs[on][:, None].astype(np.int64), ones))
        found.append((self.runs, *runs(state.codes, on)))
        found.append((self.windows, *self._windows(steps)))
        new = [table.with_added(keys, counts, sign) for table, keys, counts in found]
        signed = self.keys[steps.inputs] - self.keys[steps.outputs]
        x = generator.features(self.keys[steps.inputs], signed, shape.window, self.top)
        xx, xy = generator.statistics(x[on], signed[on], state.left[on], self.top)
        for (table, _, _), rows in zip(found, new, strict=True):
            table.put(rows)
        self.xx, self.xy = self.xx + sign * xx, self.xy + sign * xy

    def _windows(self, steps: Steps) -> tuple[Array, Array]:
        """Windows that are kept: fingerprint, what came out, the tokens, newest first."""
        shape = self.shape
        if not shape.thin or steps.inputs.shape[1] < shape.window:
            return np.zeros((0, 2 + shape.window), np.int64), np.zeros((0, 1), np.int64)
        tokens = windows(steps.inputs, shape.window)
        late = steps.counted[:, shape.window - 1 :]
        mark = mixed(*np.moveaxis(tokens, -1, 0))
        kept = late & (mark % shape.thin == 0)
        out = steps.outputs[:, shape.window - 1 :][kept]
        keys = np.concatenate([mark[kept][:, None], out[:, None], tokens[kept]], axis=1)
        return keys.astype(np.int64), np.ones((len(keys), 1), np.int64)

    @property
    def top(self) -> int:
        """10^places: what 1 is in whole numbers."""
        return int(10**self.noises.places)

    def tallies(self) -> dict[str, Tally]:
        """Every tally by its name."""
        grams = {f"grams_{number}": table for number, table in enumerate(self.grams)}
        return {"book": self.book, **grams, "emitted": self.emitted, "runs": self.runs,
                "windows": self.windows}  # fmt: skip

    def arrays(self) -> dict[str, Array]:
        """All that was learned, and the keys it was learned with, by name; int64."""
        found = {"keys": self.keys, "xx": self.xx, "xy": self.xy}
        for name, table in self.tallies().items():
            found[f"{name}_keys"], found[f"{name}_counts"] = table.keys, table.counts
        return found

    def restore(self, arrays: dict[str, Array]) -> None:
        """Take over what `arrays` gave."""
        self.keys, self.xx, self.xy = (arrays[name] for name in ("keys", "xx", "xy"))
        for name, table in self.tallies().items():
            table.put((arrays[f"{name}_keys"], arrays[f"{name}_counts"]))

    def misfit(self, arrays: dict[str, Array]) -> str:
        """What is wrong with loaded arrays, in a few words; empty where nothing is."""
        for name, own in self.arrays().items():
            found = arrays[name]
            if found.shape[1:] != own.shape[1:] or found.ndim != own.ndim:
                return f"{name} has the shape {list(found.shape)}"
            twin = name.replace("_keys", "_counts")
            if len(arrays[twin]) != len(found):
                return f"{name} and {twin} differ in length"
        for name in ("keys", "xx", "xy"):
            if arrays[name].shape != self.arrays()[name].shape:
                return f"{name} has the shape {list(arrays[name].shape)}"
        return ""

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays, measured."""
        return sum(array.nbytes for array in self.arrays().values())

    def memory_formula(self) -> int:
        """The same from what was counted, by the formula at the top."""
        vocab, axes = self.keys.shape
        window, features = self.shape.window, len(self.xx)
        numbers = vocab * axes + 2 * len(self.emitted.keys) + (2 + axes) * len(self.book.keys)
        numbers += 4 * sum(len(table.keys) for table in self.grams) + 4 * len(self.runs.keys)
        numbers += (3 + window) * len(self.windows.keys)
        return 8 * (numbers + features**2 + (features + 1) * 2 * axes)


def windows(tokens: Array, window: int) -> Array:
    """The last tokens up to each place that has `window`: [rows, time - window + 1, window]."""
    return np.lib.stride_tricks.sliding_window_view(tokens, window, axis=1)[..., ::-1]


def ages(codes: Array) -> Array:
    """How many steps in a row each step's code has lasted, itself included: int64 [rows, time]."""
    found = np.ones(codes.shape, np.int64)
    for step in range(1, codes.shape[1]):
        same = codes[:, step] == codes[:, step - 1]
        found[:, step] += np.where(same, found[:, step - 1], 0)
    return found


def runs(codes: Array, counted: Array) -> tuple[Array, Array]:
    """(code, age) -> (how often it was there with a step after it, how often it stayed)."""
    if codes.shape[1] < 2:
        return np.zeros((0, 2), np.int64), np.zeros((0, 2), np.int64)
    on = counted[:, 1:]
    keys = np.stack([codes[:, :-1][on], ages(codes)[:, :-1][on]], axis=1)
    stayed = (codes[:, 1:] == codes[:, :-1])[on]
    return keys, np.stack([np.ones(len(keys), np.int64), stayed], axis=1).astype(np.int64)

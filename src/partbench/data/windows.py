"""Windows of a text: what pair `seed` trains on, in which order, and what it is scored on.

    fold k of n bytes = [n k // folds, n (k + 1) // folds);   held out: k = seed mod folds, or last
    start of a window ~ uniform over every place where context + 1 tokens fit into a stretch

A batch is a pure function of (seed, step), so whatever is swapped sees the same tokens in the same
order, and a resumed run goes on as if it had never stopped. Another tokenizer or other training
data draw the same shares of another length: their windows lie at about the same places of the text.
"""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np

from partbench.core.errors import ConfigError, DataError
from partbench.core.rng import stream


class Folds:
    """Which slice of `total` bytes (or ready tokens) is held out from which pair.

    Raises ConfigError for impossible settings, DataError for a corpus too short for them.
    """

    def __init__(
        self,
        total: int,
        context: int,
        *,
        folds: int,
        holdout: Literal["rotate", "last"],
        evaluation_tokens: int,
        name: str,
    ) -> None:
        if folds < 2:
            raise ConfigError(f"task.folds: {folds} leaves nothing to train on; give 2 or more")
        if evaluation_tokens < context:
            raise ConfigError(
                f"task.evaluation_tokens: {evaluation_tokens} is below one context of {context}; "
                f"give {context} or more"
            )
        # One fold beside the held-out one is enough to train on, so this guards both.
        if total // folds < context + 1:
            raise _too_short(name, total, context, folds)
        self.total = total
        self.folds = folds
        self.holdout = holdout
        self.scored = evaluation_tokens // context * context
        self.context = context

    def fold(self, seed: int) -> int:
        """Which fold pair `seed` is scored on."""
        return seed % self.folds if self.holdout == "rotate" else self.folds - 1

    def held_out(self, fold: int) -> tuple[int, int]:
        """First byte of that fold and the one after its last."""
        return self.total * fold // self.folds, self.total * (fold + 1) // self.folds

    def scored_part(self, fold: int) -> tuple[int, int]:
        """The bytes that are scored: the fold's second and the one after the last.

        As many contexts as fit, `evaluation_tokens` at most; the first byte is only read.
        """
        first, last = self.held_out(fold)
        count = min(self.scored, (last - first - 1) // self.context * self.context)
        return first + 1, first + 1 + count


class Pool(NamedTuple):
    """Token stretches from which `share` of the windows are drawn."""

    stretches: Sequence[np.ndarray]
    share: float

    def places(self, context: int) -> int:
        """How many windows there are."""
        return sum(max(0, len(tokens) - context) for tokens in self.stretches)

    def fill(self, windows: np.ndarray, rows: np.ndarray, drawn: np.ndarray) -> None:
        """Put the windows numbered `drawn` into `rows` of windows [size, context + 1]."""
        context = windows.shape[1] - 1
        for tokens in self.stretches:
            count = max(0, len(tokens) - context)
            here = (drawn >= 0) & (drawn < count)
            if here.any():
                windows[rows[here]] = tokens[drawn[here, None] + np.arange(context + 1)]
            drawn = drawn - count


class Windows:
    """Training batches and scored windows of one fold.

    pools: where training windows come from, the first unless another is drawn. held: the tokens
    that are scored, and one before them.
    Raises DataError where a pool has no window.
    """

    def __init__(self, pools: Sequence[Pool], held: np.ndarray, context: int, name: str) -> None:
        self.pools = pools
        self.held = held
        self.context = context
        self.places = [pool.places(context) for pool in pools]
        if not all(self.places):
            raise DataError(
                f"corpus {name!r}: what is left to train on has no {context + 1} tokens in a row; "
                f"lower dims.context or give a longer text"
            )

    def batch(self, seed: int, step: int, size: int) -> np.ndarray:
        """The training windows of `step`, int64 [size, context + 1]; none meets the fold."""
        windows = np.empty((size, self.context + 1), np.int64)
        drawn = stream(seed, "batch", step).integers(0, self.places[0], size)
        owner = np.zeros(size, np.int64)
        if len(self.pools) > 1:
            draws = stream(seed, "mixture", step)
            edges = np.cumsum([pool.share for pool in self.pools[1:]])
            found = np.searchsorted(edges, draws.random(size), side="right") + 1
            owner = np.where(found < len(self.pools), found, 0)
            for number in range(1, len(self.pools)):
                others = draws.integers(0, self.places[number], size)
                drawn = np.where(owner == number, others, drawn)
        for number, pool in enumerate(self.pools):
            rows = np.flatnonzero(owner == number)
            pool.fill(windows, rows, drawn[rows])
        return windows

    def evaluation(self, size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """The scored windows in order, int64 [at most size, context + 1], and their weights.

        Each token is scored once: windows share only the token that is the target of one and the
        first input of the next. What a last window has too few of is filled with weight 0.
        """
        targets = len(self.held) - 1
        starts = np.arange(0, targets, self.context)
        for begin in range(0, len(starts), size):
            places = starts[begin : begin + size, None] + np.arange(self.context + 1)
            weights = (places[:, 1:] <= targets).astype(np.float32)
            yield self.held[np.minimum(places, targets)].astype(np.int64), weights


def _too_short(name: str, total: int, context: int, folds: int) -> DataError:
    """What is there, what is needed, and every single change that would do."""
    need = folds * (context + 1)
    ways = [f"give {need} tokens or more"]
    if total // (context + 1) >= 2:
        ways.append(f"lower task.folds to {total // (context + 1)}")
    if total // folds >= 2:
        ways.append(f"lower dims.context to {total // folds - 1}")
    return DataError(
        f"corpus {name!r}: {total} tokens, but {folds} folds of a context of {context} and one "
        f"target need {need}; {', or '.join(reversed(ways))}"
    )

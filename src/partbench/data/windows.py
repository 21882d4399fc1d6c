"""Windows of a token file: what pair `seed` trains on, in which order, and what it is scored on.

    fold k of n tokens = [n k // folds, n (k + 1) // folds);   held out: k = seed mod folds, or last
    start of a window ~ uniform over every place where context + 1 tokens fit outside the fold

A batch is a pure function of (seed, step), so whatever is swapped sees the same tokens in the same
order, and a resumed run goes on as if it had never stopped.
"""

from collections.abc import Iterator
from typing import Literal

import numpy as np

from partbench.core.errors import ConfigError, DataError
from partbench.core.rng import stream


class Windows:
    """Training batches and the held-out fold of `tokens` [num_tokens], for any seed.

    context: inputs a window; every window holds one token more, so that each input has a target.
    Raises ConfigError for impossible settings, DataError for a corpus too short for them.
    """

    def __init__(
        self,
        tokens: np.ndarray,
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
        if len(tokens) // folds < context + 1:
            raise _too_short(name, len(tokens), context, folds)
        self.tokens = tokens
        self.context = context
        self.folds = folds
        self.holdout = holdout
        self.evaluation_tokens = evaluation_tokens

    def fold(self, seed: int) -> int:
        """Which fold pair `seed` is scored on."""
        return seed % self.folds if self.holdout == "rotate" else self.folds - 1

    def held_out(self, seed: int) -> tuple[int, int]:
        """First token of that fold and the one after its last."""
        fold, total = self.fold(seed), len(self.tokens)
        return total * fold // self.folds, total * (fold + 1) // self.folds

    def starts(self, seed: int, step: int, size: int) -> np.ndarray:
        """Where the windows of a training batch begin, int64 [size]; none meets the fold."""
        first, last = self.held_out(seed)
        before = max(0, first - self.context)  # windows that end before the fold
        after = max(0, len(self.tokens) - last - self.context)
        drawn = stream(seed, "batch", step).integers(0, before + after, size)
        return np.where(drawn < before, drawn, drawn - before + last)

    def batch(self, seed: int, step: int, size: int) -> np.ndarray:
        """The training windows of `step`, int64 [size, context + 1]."""
        return self._cut(self.starts(seed, step, size))

    def evaluation(self, seed: int, size: int) -> Iterator[np.ndarray]:
        """The held-out windows in order, int64 [at most size, context + 1].

        The first `evaluation_tokens` of the fold, or all it has, each scored once: windows share
        only the token that is the target of one and the first input of the next.
        """
        first, last = self.held_out(seed)
        count = min(self.evaluation_tokens, last - first - 1) // self.context
        starts = first + self.context * np.arange(count)
        for begin in range(0, count, size):
            yield self._cut(starts[begin : begin + size])

    def _cut(self, starts: np.ndarray) -> np.ndarray:
        return self.tokens[starts[:, None] + np.arange(self.context + 1)].astype(np.int64)


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

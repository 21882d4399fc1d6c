"""Which pictures pair `seed` learns from, in which order, and which it is scored on.

    fold k of G groups = groups [G k // folds, G (k + 1) // folds);   held out: k = seed mod folds,
    or the last, or the test pictures: those that came with the set, else the last fold of all
    step s of a run takes places s size .. (s + 1) size - 1 of permutation after permutation

A batch is a pure function of (seed, step, size). Test pictures are never learned from; where they
decide, seeds that tune are still scored on a fold of the others, so that nothing is chosen by them.
"""

from functools import lru_cache
from typing import Literal

import numpy as np

from partbench.core.errors import ConfigError, DataError
from partbench.core.rng import TUNING_SEEDS, stream
from partbench.data.pictures import Pictures

Holdout = Literal["rotate", "last", "test"]


class PictureFolds:
    """Training order and held-out pictures of a set, for any seed.

    evaluation_pictures: how many of the held-out are scored, at most.
    Raises ConfigError for impossible settings, DataError for a set that does not allow them.
    """

    def __init__(
        self, pictures: Pictures, *, folds: int, holdout: Holdout, evaluation_pictures: int
    ) -> None:
        if folds < 2:
            raise ConfigError(f"task.folds: {folds} leaves nothing to learn from; give 2 or more")
        if evaluation_pictures < 1:
            raise ConfigError(f"task.evaluation_pictures: {evaluation_pictures} is below 1")
        count = len(pictures.labels) - pictures.num_test
        own = pictures.groups[:count]
        groups = int(own.max()) + 1
        if groups < folds + (holdout == "test"):
            raise DataError(
                f"pictures: {pictures.corpus.name!r} has {groups} groups for {folds} folds; "
                f"lower task.folds to {groups - (holdout == 'test')} or less"
            )
        self.test = np.arange(count, len(pictures.labels))
        if holdout == "test" and not pictures.num_test:
            groups = groups * (folds - 1) // folds
            self.test = np.flatnonzero(own >= groups)
        self.own = np.flatnonzero(own < groups)
        self.owners, self.groups = own[self.own], groups
        self.folds, self.holdout = folds, holdout
        self.evaluation_pictures = evaluation_pictures

    def fold(self, seed: int) -> int:
        """Which fold pair `seed` is scored on; `folds` stands for the test pictures."""
        if self._tested(seed):
            return self.folds
        return self.folds - 1 if self.holdout == "last" else seed % self.folds

    def held_out(self, seed: int) -> np.ndarray:
        """The pictures that are scored, int64 [at most evaluation_pictures]."""
        found = self.test if self._tested(seed) else self.own[self._in_fold(seed)]
        if len(found) > self.evaluation_pictures:  # spread over all: files may be in order
            places = np.arange(self.evaluation_pictures) * len(found) // self.evaluation_pictures
            found = found[places]
        return found

    def training(self, seed: int) -> np.ndarray:
        """The pictures that are learned from, int64, in the set's order."""
        return self.own if self._tested(seed) else self.own[~self._in_fold(seed)]

    def drawn(self, seed: int, step: int, size: int) -> np.ndarray:
        """The pictures of a training batch, int64 [size]: each once before any comes again."""
        known = self._training(seed)
        places = step * size + np.arange(size)
        rounds = places // len(known)
        orders = {n: self._order(seed, n) for n in np.unique(rounds).tolist()}
        rest = places % len(known)
        found = [orders[n][p] for n, p in zip(rounds.tolist(), rest.tolist(), strict=True)]
        return known[np.array(found, np.int64)]

    def _tested(self, seed: int) -> bool:
        return self.holdout == "test" and seed < TUNING_SEEDS

    def _in_fold(self, seed: int) -> np.ndarray:
        fold = self.fold(seed)
        first, last = (self.groups * k // self.folds for k in (fold, fold + 1))
        return (self.owners >= first) & (self.owners < last)

    @lru_cache(maxsize=2)  # noqa: B019 - as long as the task, of which a process has one
    def _training(self, seed: int) -> np.ndarray:
        return self.training(seed)

    @lru_cache(maxsize=2)  # noqa: B019
    def _order(self, seed: int, number: int) -> np.ndarray:
        """Permutation `number` of the training pictures of `seed`."""
        return stream(seed, "order", number).permutation(len(self._training(seed)))

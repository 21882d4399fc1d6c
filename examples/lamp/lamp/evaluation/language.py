"""The talk's own form: a language model of what is said, whose vocabulary holds the three tags.

    turn on the light [lit]      what is for dinner [nothing]      good night [dark]

The model is partbench's SAFFU, fitted in closed form on all that was heard so far, a line a
document, anew every REFIT labels. p(tag | text) is its distribution after the words, over the three
tags alone. As in the talk it predicts every word (`words_too`), or it is fitted on the tags alone.
Words heard once stand for the unknown ones. Settings were chosen on the design templates.
"""

from collections import Counter
from itertools import groupby

import torch

from lamp.mind import Forecast
from lamp.tags import NOTHING, TAGS, Tag
from lamp.words import words
from partbench.core.config import Config
from partbench.core.numerics import Numerics
from partbench.data.batch import Batch
from partbench.models.build import build
from partbench.models.contract import Network

REFIT = 10
WIDTH = 257
LONGEST = 32
"""Words of a line that are read."""
UNKNOWN = len(TAGS)
SETTINGS = {"part": "saffu", "radius": 8, "block": 0, "label_bits": 0}


class Language:
    """One SAFFU after another."""

    def __init__(self, words_too: bool) -> None:
        self.words_too = words_too
        self.lines: dict[int, tuple[list[str], Tag]] = {}
        self.labels = 0
        self.ids: dict[str, int] = {}
        self.model: Network | None = None

    def forecast(self, text: str) -> Forecast:
        """Nothing, until the first fit."""
        tokens = self._numbers(words(text))
        if self.model is None or not tokens:
            return Forecast(NOTHING, 1.0)
        with torch.no_grad():
            shares = self.model(torch.tensor([tokens]))[0, -1, : len(TAGS)].softmax(-1)  # type: ignore[operator]
        best = int(shares.argmax())
        return Forecast(TAGS[best], float(shares[best]))

    def learn(self, number: int, text: str, tag: Tag) -> None:
        """Fit anew when it is its turn."""
        self.lines[number] = (words(text), tag)
        self.labels += 1
        if self.labels % REFIT == 0:
            self._fit()

    def _fit(self) -> None:
        counts = Counter(word for line, _ in self.lines.values() for word in line)
        known = [word for word, number in counts.items() if number > 1]
        self.ids = {word: UNKNOWN + 1 + at for at, word in enumerate(known)}
        vocab = UNKNOWN + 1 + len(known)
        dims = {"depth": 1, "width": WIDTH, "num_heads": 1, "context": LONGEST}
        config = Config({"dims": dims}).edit({"model": SETTINGS})
        self.model = build(config.resolved, vocab=vocab, seed=0, numerics=Numerics())
        self.model.fit(self._batches())  # type: ignore[operator]

    def _batches(self) -> list[Batch]:
        """All lines, those of a length together."""
        rows = [
            [*self._numbers(line), TAGS.index(tag)] for line, tag in self.lines.values() if line
        ]
        batches = []
        for _, same in groupby(sorted(rows, key=len), key=len):
            tokens = torch.tensor(list(same))
            weights = torch.ones(tokens[:, 1:].shape)
            if not self.words_too:
                weights[:, :-1] = 0.0
            batches.append(Batch(tokens[:, :-1], tokens[:, 1:], weights))
        return batches

    def _numbers(self, line: list[str]) -> list[int]:
        return [self.ids.get(word, UNKNOWN) for word in line[:LONGEST]]

"""A text as a task uses it: corpus, tokenizer and training data, opened and checked in one place.

    training part  = corpus without the pair's fold   -> what the tokenizer learns from
                                                      -> `data` -> tokens -> training windows
    scored         = the first bytes of the fold, the same for every tokenizer and all `data`

Torch-free, so that a study on a text that cannot work is refused before its first cell.
"""

from typing import Any, Literal, NamedTuple

import numpy as np

from partbench.core.errors import DataError
from partbench.core.factory import Factory
from partbench.core.menu import find
from partbench.data.corpora import Corpus, open_corpus
from partbench.data.stretch import Source, Stretch
from partbench.data.tokenizers.contract import Tokenizer, TokenizerPart
from partbench.data.tokens import open_tokens, tokens_of
from partbench.data.training import BringsText, TrainingData
from partbench.data.windows import Folds, Pool, Windows

SLOTS = ("tokenizer", "data")


class Opened(NamedTuple):
    """A text without one fold: what was learned from it, and its windows."""

    tokenizer: Tokenizer
    windows: Windows


class Text:
    """An opened text; settings as in `tasks.language.Language`, context in tokens.

    Raises DataError or ConfigError (one line) for a text or settings that cannot work.
    """

    def __init__(
        self,
        context: int,
        tokenizer: TokenizerPart,
        data: TrainingData,
        *,
        corpus: str,
        text_column: str,
        folds: int,
        holdout: Literal["rotate", "last"],
        evaluation_tokens: int,
    ) -> None:
        self.corpus = open_corpus(corpus, text_column)
        self.part, self.data, self.context = tokenizer, data, context
        others = data.corpora if isinstance(data, BringsText) else ()
        self.corpora: tuple[Corpus, ...] = (self.corpus, *others)
        self._check()
        self.raw = self.corpus.data()
        self.folds = Folds(
            len(self.raw),
            context,
            folds=folds,
            holdout=holdout,
            evaluation_tokens=evaluation_tokens,
            name=self.corpus.name,
        )
        self._opened: dict[int, Opened] = {}

    @property
    def identity(self) -> str:
        """SHA-256 of the content, of several texts joined by plus signs."""
        return "+".join(corpus.sha256 for corpus in self.corpora)

    def without(self, fold: int) -> Opened:
        """What is learned and drawn without `fold`; made at the first call."""
        if fold not in self._opened:
            training = self._training(fold)
            tokenizer = self.part.learn(training.stretches)
            pools = [
                Pool(
                    [open_tokens(stretch, tokenizer) for stretch in source.stretches], source.share
                )
                for source in self.data.prepare(training)
            ]
            held = self._held(fold, tokenizer)
            windows = Windows(pools, held, self.context, self.corpus.name)
            self._opened[fold] = Opened(tokenizer, windows)
        return self._opened[fold]

    def _training(self, fold: int) -> Source:
        first, last = self.folds.held_out(fold)
        sides = [(0, first), (last, len(self.raw))]
        return Source(
            tuple(
                Stretch(self.raw[start:stop], f"{self.corpus.sha256} {start} {stop}")
                for start, stop in sides
                if stop > start
            )
        )

    def _held(self, fold: int, tokenizer: Tokenizer) -> np.ndarray:
        """The scored tokens, which begin and end at the same bytes whatever the tokenizer."""
        first, last = self.folds.scored_part(fold)
        parts = [self.raw[first - 1 : first], self.raw[first:last]]
        return np.concatenate([tokens_of(part, tokenizer) for part in parts])

    def _check(self) -> None:
        ready = "ready_tokens" in getattr(self.part, "PROVIDES", ())
        name, largest = self.corpus.name, self.corpus.largest
        if largest is not None and not ready:
            raise DataError(
                f"corpus {name!r}: it holds tokens, not text; set "
                f'task.tokenizer = {{ part = "ready", vocab = 50257 }} with the vocabulary they '
                f"were made with"
            )
        if largest is None and ready:
            raise DataError(
                f"corpus {name!r}: it holds text, not ready tokens; "
                f"set task.tokenizer to bytes or bpe"
            )
        most = max((corpus.largest or 0 for corpus in self.corpora), default=0)
        if most >= self.part.vocab and largest is not None:
            raise DataError(
                f"corpus {name!r}: it holds token {most}, but tokenizer.vocab is "
                f"{self.part.vocab}; give {most + 1} or more"
            )
        if any(other.sha256 == self.corpus.sha256 for other in self.corpora[1:]):
            raise DataError(
                f"corpus {name!r}: mixed with itself it would train on what is held out; "
                f"give another text as data.corpus"
            )


def text_of(task: dict[str, Any], context: int) -> Text:
    """The text of a resolved task table."""
    parts = [Factory(slot, task[slot], {})() for slot in SLOTS]
    settings = {key: value for key, value in task.items() if key not in ("part", *SLOTS)}
    return Text(context, *parts, **settings)


def identity_of(task: dict[str, Any], context: int, seed: int) -> str:
    """SHA-256 of the text a task is about, after all has been opened that pair `seed` needs.

    With a tokenizer or training data from outside, whose code runs in cells alone, only the corpus
    is opened.
    """
    if any(find(slot, task[slot]["part"]).outside for slot in SLOTS):
        return open_corpus(task["corpus"], task["text_column"]).sha256
    text = text_of(task, context)
    text.without(text.folds.fold(seed))
    return text.identity

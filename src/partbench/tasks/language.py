"""Language: predict the next token of a text; decided on bits per byte of its held-out fold.

    bits per byte = sum of nll / ln 2  over  sum of the bytes that the targets stand for

Pair `seed` trains without fold `seed mod folds` and is scored on it, so a verdict over pairs is
about the text and not about one slice of it. The division by bytes, not tokens, makes numbers
comparable across tokenizers. Source: Shannon 1951, "Prediction and entropy of printed English".
"""

import math
from collections.abc import Iterable, Iterator
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from partbench.core.dims import Dims
from partbench.data.batch import Batch
from partbench.data.text import open_text
from partbench.tasks.contract import Scored


class Language:
    """Next-token prediction on a text.

    corpus: "shakespeare", or a path to a text file or a folder of them. tokenizer_vocab: for "bpe".
    folds: contiguous slices of the text; holdout: "rotate" holds out another one each seed, "last"
    always the last. evaluation_tokens: how many targets of the fold are scored, at most.
    Raises DataError and ConfigError (one line) for a corpus or settings that cannot work.
    """

    PROVIDES = ("tokens",)
    unit = "bits per byte"

    def __init__(
        self,
        dims: Dims,
        *,
        corpus: str = "shakespeare",
        tokenizer: Literal["bytes", "bpe"] = "bytes",
        tokenizer_vocab: int = 1024,
        folds: int = 12,
        holdout: Literal["rotate", "last"] = "rotate",
        evaluation_tokens: int = 32768,
    ) -> None:
        text = open_text(
            dims.context,
            corpus=corpus,
            tokenizer=tokenizer,
            tokenizer_vocab=tokenizer_vocab,
            folds=folds,
            holdout=holdout,
            evaluation_tokens=evaluation_tokens,
        )
        self.corpus, self.tokenizer, self.windows = text
        self.vocab = self.tokenizer.vocab
        self._token_bytes = torch.from_numpy(self.tokenizer.token_bytes())

    def batch(self, seed: int, step: int, size: int) -> Batch:
        """The training batch of `step`: windows drawn uniformly outside the held-out fold."""
        return _as_batch(self.windows.batch(seed, step, size))

    def evaluation(self, seed: int, size: int) -> Iterator[Batch]:
        """The held-out windows of pair `seed`, in order; the last batch may be smaller."""
        return map(_as_batch, self.windows.evaluation(seed, size))

    def tally(self, score: Scored, batch: Batch) -> tuple[float, float]:
        """(bits, bytes) of the targets, summed in float64."""
        weights = batch.weights.double().cpu()
        bits = (score.nll.detach().double().cpu() * weights).sum() / math.log(2)
        num_bytes = (self._token_bytes[batch.targets.cpu()] * weights).sum()
        return float(bits), float(num_bytes)

    def fold(self, seed: int) -> int:
        """Which fold of the corpus pair `seed` is scored on."""
        return self.windows.fold(seed)

    def encode(self, text: str) -> Tensor:
        """The tokens of `text`, int64 [time]."""
        data = text.encode("utf-8", errors="surrogateescape")
        return torch.from_numpy(self.tokenizer.encode(data).astype(np.int64))

    def decode(self, ids: Iterable[int] | Tensor) -> str:
        """The text of `ids`; bytes that are not UTF-8 become U+FFFD."""
        return self.tokenizer.decode(ids.tolist() if isinstance(ids, Tensor) else ids)


def _as_batch(windows: np.ndarray) -> Batch:
    tokens = torch.from_numpy(windows)
    inputs, targets = tokens[:, :-1].contiguous(), tokens[:, 1:].contiguous()
    return Batch(inputs, targets, torch.ones(targets.shape, dtype=torch.float32))

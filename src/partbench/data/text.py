"""A text as a task uses it: corpus, tokenizer and windows, opened and checked in one place.

Torch-free, so that a study on a text that cannot work is refused before its first cell.
"""

from typing import Literal, NamedTuple

from partbench.data.corpora import Corpus, open_corpus
from partbench.data.tokenizers import open_tokenizer
from partbench.data.tokenizers.contract import Tokenizer
from partbench.data.tokens import open_tokens
from partbench.data.windows import Windows


class Text(NamedTuple):
    """An opened text."""

    corpus: Corpus
    tokenizer: Tokenizer
    windows: Windows


def open_text(
    context: int,
    *,
    corpus: str,
    tokenizer: Literal["bytes", "bpe"],
    tokenizer_vocab: int,
    folds: int,
    holdout: Literal["rotate", "last"],
    evaluation_tokens: int,
) -> Text:
    """Open and check; DataError or ConfigError (one line) for a text or settings that cannot work.

    Settings as in `tasks.language.Language`; context in tokens.
    """
    opened = open_corpus(corpus)
    coder = open_tokenizer(tokenizer, opened, tokenizer_vocab)
    windows = Windows(
        open_tokens(opened, coder),
        context,
        folds=folds,
        holdout=holdout,
        evaluation_tokens=evaluation_tokens,
        name=opened.name,
    )
    return Text(opened, coder, windows)

"""What every tokenizer can do, and the parts that make one."""

from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np

from partbench.data.stretch import Stretch


class Tokenizer(Protocol):
    """Lossless on any bytes: joining `token_bytes` many bytes per token gives the text back.

    identity: names the tokenizer and what it learned, for cache files.
    dtype: the smallest unsigned type that holds its tokens.
    """

    identity: str
    dtype: type[np.unsignedinteger]

    def encode(self, data: bytes) -> np.ndarray:
        """The tokens of `data`, `dtype` [tokens]."""
        ...

    def decode(self, ids: Iterable[int]) -> str:
        """The text of `ids`; bytes that are not UTF-8 become U+FFFD."""
        ...

    def token_bytes(self) -> np.ndarray:
        """Number of bytes each token stands for, int64 [tokens that there are, at most vocab]."""
        ...


class TokenizerPart(Protocol):
    """vocab: how many tokens a model must be ready for, whatever was learned.

    PROVIDES "ready_tokens" where it is for corpora of tokens, not of text.
    """

    vocab: int

    def learn(self, training: Sequence[Stretch]) -> Tokenizer:
        """A tokenizer from the training part alone: a pure function of its text."""
        ...

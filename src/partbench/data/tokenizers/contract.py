"""What every tokenizer can do."""

from collections.abc import Iterable
from typing import Protocol

import numpy as np


class Tokenizer(Protocol):
    """Lossless on any bytes: joining `token_bytes` many bytes per token gives the text back.

    identity: names the tokenizer and what it learned, for cache files.
    vocab: number of different tokens. dtype: the smallest unsigned type that holds them.
    """

    identity: str
    vocab: int
    dtype: type[np.unsignedinteger]

    def encode(self, data: bytes) -> np.ndarray:
        """The tokens of `data`, `dtype` [tokens]."""
        ...

    def decode(self, ids: Iterable[int]) -> str:
        """The text of `ids`; bytes that are not UTF-8 become U+FFFD."""
        ...

    def token_bytes(self) -> np.ndarray:
        """Number of bytes each token stands for, int64 [vocab]."""
        ...

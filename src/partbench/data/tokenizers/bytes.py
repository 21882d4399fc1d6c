"""Every byte is a token: vocabulary 256, nothing learned, nothing unknown.

Source: this file; bytes as tokens: Xue et al. 2021, arXiv:2105.13626 (ByT5).
"""

from collections.abc import Iterable, Sequence

import numpy as np

from partbench.data.stretch import Stretch


class Bytes:
    """token = byte. Cost: none; a context holds as many bytes as tokens."""

    identity = "bytes"
    vocab = 256
    dtype = np.uint8

    def learn(self, training: Sequence[Stretch]) -> "Bytes":
        """Itself: nothing is learned."""
        return self

    def encode(self, data: bytes) -> np.ndarray:
        """The bytes themselves, uint8 [bytes]."""
        return np.frombuffer(data, np.uint8)

    def decode(self, ids: Iterable[int]) -> str:
        """The text of `ids`; what is not UTF-8 becomes U+FFFD."""
        return bytes(int(token) for token in ids).decode("utf-8", errors="replace")

    def token_bytes(self) -> np.ndarray:
        """One byte a token, int64 [256]."""
        return np.ones(256, np.int64)

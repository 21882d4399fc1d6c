"""Every byte is a token: vocabulary 256, nothing learned, nothing unknown."""

from collections.abc import Iterable

import numpy as np


class Bytes:
    """token = byte."""

    identity = "bytes"
    vocab = 256
    dtype = np.uint8

    def encode(self, data: bytes) -> np.ndarray:
        """The bytes themselves, uint8 [bytes]."""
        return np.frombuffer(data, np.uint8)

    def decode(self, ids: Iterable[int]) -> str:
        """The text of `ids`; what is not UTF-8 becomes U+FFFD."""
        return bytes(int(token) for token in ids).decode("utf-8", errors="replace")

    def token_bytes(self) -> np.ndarray:
        """One byte a token, int64 [256]."""
        return np.ones(256, np.int64)

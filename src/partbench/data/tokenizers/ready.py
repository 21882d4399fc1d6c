"""Tokens that came ready: for corpora of token shards (`.bin`), whose tokenizer is not here.

Source: this file; the shards: nanoGPT's and llm.c's `.bin` files of uint16.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from partbench.core.errors import InputError
from partbench.core.ranges import Count
from partbench.data.stretch import Stretch


class Ready:
    """token = number in the file. As text a token is its number: "31373 995".

    Settings: vocab, which the shards do not say; GPT-2's by default.
    Limits: no token's bytes are known, so the score is in bits per token.
    Cost: none.
    """

    PROVIDES = ("ready_tokens",)
    dtype = np.uint16

    def __init__(self, *, vocab: Count = 50257) -> None:
        self.vocab = vocab
        self.identity = f"ready-{vocab}"

    def learn(self, training: Sequence[Stretch]) -> "Ready":
        """Itself: nothing is learned."""
        return self

    def encode(self, data: bytes) -> np.ndarray:
        """The numbers in `data`, uint16 [tokens]; InputError for what is no token."""
        words = data.decode(errors="replace").split()
        wrong = [
            word
            for word in words
            if not (word.isascii() and word.isdigit() and int(word) < self.vocab)
        ]
        if wrong:
            raise InputError(
                f"{wrong[0]!r} is no token below {self.vocab}; this text came as ready tokens, so "
                f"write their numbers, like '31373 995'"
            )
        return np.array([int(word) for word in words], np.uint16)

    def decode(self, ids: Iterable[int]) -> str:
        """The numbers of `ids` with blanks between them."""
        return " ".join(str(int(token)) for token in ids)

    def token_bytes(self) -> np.ndarray:
        """One a token, int64 [vocab]: the score divides by tokens."""
        return np.ones(self.vocab, np.int64)

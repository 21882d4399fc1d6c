"""A stretch of text as tokens: a raw file of unsigned numbers, memory-mapped.

The bytes of a text are its byte tokens already, and so are tokens that came ready; other
tokenizers write home()/data/<hash of stretch and tokenizer>.bin and, beside it, how many tokens it
must hold.
"""

import numpy as np

from partbench.data import cache
from partbench.data.stretch import Stretch
from partbench.data.tokenizers import Bytes, Ready
from partbench.data.tokenizers.bpe import pieces
from partbench.data.tokenizers.contract import Tokenizer


def open_tokens(stretch: Stretch, tokenizer: Tokenizer) -> np.ndarray:
    """The tokens of a stretch in order, `tokenizer.dtype` [tokens], read-only, from the cache."""
    if isinstance(tokenizer, Bytes | Ready):
        return stretch.raw
    code = type(tokenizer).__module__  # of a tokenizer from outside it holds the hash of its file
    return cache.kept(
        f"{stretch.named().identity} in {tokenizer.identity} of {code}",
        tokenizer.dtype,
        lambda: map(tokenizer.encode, pieces(stretch.raw)),
    )


def tokens_of(raw: np.ndarray, tokenizer: Tokenizer) -> np.ndarray:
    """The tokens of a little text, made at once."""
    if isinstance(tokenizer, Bytes | Ready):
        return raw
    return np.concatenate([tokenizer.encode(piece) for piece in pieces(raw)])

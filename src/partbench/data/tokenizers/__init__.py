"""Bytes to tokens and back: one idea a file, one contract.

A tokenizer is fitted to the whole corpus, held-out fold included, and is the same in every arm, so
it favours none; bits per byte count the bytes of each target, so they compare across tokenizers.
"""

from partbench.data.corpora import Corpus
from partbench.data.tokenizers.bpe import BytePairs, open_byte_pairs
from partbench.data.tokenizers.bytes import Bytes
from partbench.data.tokenizers.contract import Tokenizer


def open_tokenizer(kind: str, corpus: Corpus, vocab: int) -> Tokenizer:
    """The tokenizer `kind` ("bytes" or "bpe") for `corpus`; `vocab` matters to "bpe" alone."""
    return open_byte_pairs(corpus, vocab) if kind == "bpe" else Bytes()


__all__ = ["BytePairs", "Bytes", "Tokenizer", "open_byte_pairs", "open_tokenizer"]

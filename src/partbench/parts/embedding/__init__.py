"""Slot `embedding`: from tokens to the stream."""

from typing import Protocol, runtime_checkable

from torch import Tensor

from partbench.parts.embedding.cipher import CipherEmbedding
from partbench.parts.embedding.token import TokenEmbedding
from partbench.parts.shapes import Stream, Tokens


@runtime_checkable
class Embedding(Protocol):
    """One vector a token; one that provides "table" has `weight` [vocab, width], for tied heads."""

    weight: Tensor

    def forward(self, tokens: Tokens) -> Stream:
        """The vector of each token."""
        ...


PARTS = {"token": TokenEmbedding, "cipher": CipherEmbedding}

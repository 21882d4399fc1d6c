"""Slot `embedding`: from tokens to the stream."""

from typing import Protocol, runtime_checkable

from torch import Tensor

from partbench.parts.embedding.token import TokenEmbedding
from partbench.parts.shapes import Stream, Tokens


@runtime_checkable
class Embedding(Protocol):
    """One vector a token; `weight` [vocab, width] is what a tied head reads."""

    weight: Tensor

    def forward(self, tokens: Tokens) -> Stream:
        """The vector of each token."""
        ...


PARTS = {"token": TokenEmbedding}

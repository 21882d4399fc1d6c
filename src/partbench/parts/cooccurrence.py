"""Co-occurrence vectors: what stands around a token, in ciphers, one block a signed distance.

    B^(r)_t = sum over places i with w_i = t of c_(w_(i+r)),  the edge vector beyond the ends
    cat: E_t = [B^(r)] for every r, divided by its sum;     sum: E_t = sum_r B^(r), likewise

Ciphers hold no similarity at all; tokens that stand in the same places get like vectors here.
Paper: Zhao and Williams 2023, arXiv:2311.11012 (abstract: sum and cat; the weights are ours).
Differs: types never seen keep their cipher in every block. Cost: a sort of the pairs and one
addition of D numbers a different pair and distance.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from partbench.parts.pairs import Pairs

Mode = Literal["sum", "cat"]


class Cooccurrence:
    """Counts that add up over shards of text.

    table: [tokens + 1, bits + 1], ciphers with the edge as last row, rows that sum to one.
    offsets: signed distances, none of them 0.
    """

    def __init__(self, table: Tensor, offsets: Sequence[int]) -> None:
        self.table = table.double()
        self.offsets = tuple(offsets)
        self.pairs = [Pairs(len(table), len(table)) for _ in self.offsets]

    def add(self, tokens: Tensor, weight: float = 1.0) -> None:
        """Count documents [documents, time]; a weight of -1 takes them away again."""
        edge, time = len(self.table) - 1, tokens.shape[1]
        for pairs, offset in zip(self.pairs, self.offsets, strict=True):
            beside = torch.full_like(tokens, edge)
            here, there = slice(max(0, -offset), time - offset), slice(max(0, offset), None)
            if abs(offset) < time:
                beside[:, here] = tokens[:, there][:, : time - abs(offset)]
            pairs.add(tokens, beside, weight)

    def merge(self, other: "Cooccurrence") -> None:
        """Add what another shard counted."""
        for mine, theirs in zip(self.pairs, other.pairs, strict=True):
            mine.merge(theirs)

    @property
    def blocks(self) -> Tensor:
        """B: float64 [offsets, tokens + 1, bits + 1]."""
        return torch.stack([pairs.through(self.table) for pairs in self.pairs])

    def vectors(self, mode: Mode) -> Tensor:
        """[tokens + 1, D], rows non-negative that sum to one; D = bits + 1, or that a block."""
        blocks = self.blocks
        unseen = blocks.sum((0, 2)) <= 0
        unseen[-1] = True  # the edge is its own neighbour
        blocks[:, unseen] = self.table[unseen]
        whole = blocks.sum(0) if mode == "sum" else torch.cat(list(blocks), dim=1)
        return whole / whole.sum(1, keepdim=True)

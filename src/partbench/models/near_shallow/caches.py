"""What stays the same while its weights do: products of all vectors, and vectors sent through U.

    comparisons[i, j] = E_i . E_j      K products of D numbers become K look-ups
    values = E U                       pooling D numbers and one product become pooling b numbers

Where all comparisons would be too many, those among the most frequent tokens are looked up and the
others computed: on text most pairs are pairs of frequent tokens.

A cache keeps a copy of the weights it was made from, compares, and makes itself anew when they
have changed; so it can never answer from vectors that have moved on. Addresses and torch's counts
of changes do not tell: a fused optimiser step (torch 2.13) leaves both as they were.
Paper: Williams and Zhao 2023, arXiv:2311.07510 (talk: comparisons); the value cache is ours.
Memory: min(vocab + 1, SIDE)^2 numbers for comparisons, vocab * b for values.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from partbench.models.near_shallow.unit import compare

SIDE = 1 << 12
"""Tokens whose comparisons are looked up (64 MB in float32)."""


class Cache:
    """One table, made by `make` from some weights."""

    def __init__(self, make: Callable[..., Tensor]) -> None:
        self.make = make
        self.made = 0
        self.trusted = False
        self._copies: tuple[Tensor, ...] = ()
        self._table: Tensor | None = None

    def of(self, *weights: Tensor) -> Tensor:
        """The table of `weights` as they are now, without gradient."""
        known = self._table is not None and (self.trusted or all(map(_same, self._copies, weights)))
        if not known:
            self._copies = tuple(weight.detach().clone() for weight in weights)
            self._table = self.make(*self._copies)
            self.made += 1
        assert self._table is not None
        return self._table

    def forget(self) -> None:
        """Give the memory back."""
        self._copies, self._table = (), None


def _same(copy: Tensor, weight: Tensor) -> bool:
    alike = copy.dtype == weight.dtype and copy.device == weight.device
    return alike and torch.equal(copy, weight.detach())


@contextmanager
def unchanged(*caches: Cache) -> Iterator[None]:
    """Inside, the weights of these caches do not change: what was made last is not checked again.

    For passes over much text, which would compare all weights once a piece of it.
    """
    for cache in caches:
        cache.forget()
        cache.trusted = True
    try:
        yield
    finally:
        for cache in caches:
            cache.trusted = False


class Comparisons(Cache):
    """Products of vectors that are at rest: looked up among frequent tokens, else computed."""

    def __init__(self) -> None:
        super().__init__(products)

    def between(self, table: Tensor, ranks: Tensor, newest: Tensor, ids: Tensor) -> Tensor:
        """E[newest] . E[ids]: newest [..], ids [.., slot] -> [.., slot], without gradient.

        ranks: the place of each vector when they are ordered by how often they are needed.
        """
        if len(table) <= SIDE:
            return self.of(table)[newest.unsqueeze(-1), ids]
        one, other = ranks[newest].unsqueeze(-1), ranks[ids]
        corner = self.of(table, ranks)
        known = (one < SIDE) & (other < SIDE)
        found = corner[one.clamp_max(SIDE - 1), other.clamp_max(SIDE - 1)]
        rare = (~known).nonzero(as_tuple=True)
        found[rare] = compare(table, newest[rare[:-1]], ids[rare].unsqueeze(-1)).squeeze(-1)
        return found


def products(table: Tensor, ranks: Tensor | None = None) -> Tensor:
    """All comparisons; with ranks those of the first SIDE alone, in their order."""
    kept = table if ranks is None else table[ranks.argsort()[:SIDE]]
    return kept @ kept.T


def sent(table: Tensor, weight: Tensor) -> Tensor:
    """Every vector through U, `weight` being U transposed."""
    return table @ weight.T

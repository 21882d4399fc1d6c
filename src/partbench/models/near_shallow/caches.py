"""What stays the same while its weights do: products of all vectors, and vectors sent through U.

    comparisons[i, j] = E_i . E_j      K products of D numbers become K look-ups
    values = E U                       pooling D numbers and one product become pooling b numbers

A cache keeps a copy of the weights it was made from, compares, and makes itself anew when they
have changed; so it can never answer from vectors that have moved on. Addresses and torch's counts
of changes do not tell: a fused optimiser step (torch 2.13) leaves both as they were.
Paper: Williams and Zhao 2023, arXiv:2311.07510 (talk: comparisons); the value cache is ours.
Memory: (vocab + 1)^2 numbers for comparisons, vocab * b for values.
"""

from collections.abc import Callable

import torch
from torch import Tensor

LARGEST = 1 << 24
"""Entries a table of comparisons may have (64 MB in float32); beyond it they are computed."""


class Cache:
    """One table, made by `make` from some weights."""

    def __init__(self, make: Callable[..., Tensor]) -> None:
        self.make = make
        self.made = 0
        self._copies: tuple[Tensor, ...] = ()
        self._table: Tensor | None = None

    def of(self, *weights: Tensor) -> Tensor:
        """The table of `weights` as they are now, without gradient."""
        if self._table is None or not all(map(_same, self._copies, weights)):
            self._copies = tuple(weight.detach().clone() for weight in weights)
            self._table = self.make(*self._copies)
            self.made += 1
        return self._table

    def forget(self) -> None:
        """Give the memory back."""
        self._copies, self._table = (), None


def _same(copy: Tensor, weight: Tensor) -> bool:
    alike = copy.dtype == weight.dtype and copy.device == weight.device
    return alike and torch.equal(copy, weight.detach())


def products(table: Tensor) -> Tensor:
    """All comparisons."""
    return table @ table.T


def sent(table: Tensor, weight: Tensor) -> Tensor:
    """Every vector through U, `weight` being U transposed."""
    return table @ weight.T

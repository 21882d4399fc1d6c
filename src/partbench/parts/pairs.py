"""How often each pair of whole numbers was seen: sparse, additive, and summed against a table.

    n(a, b) = sum of weights of the pairs (a, b);      through(T)[a] = sum over b of n(a, b) T[b]

Text has far fewer different pairs than tokens, so what hangs on pairs alone is added once a
different pair: one sort of the keys in place of a row of D additions a token.
"""

import torch
from torch import Tensor

PENDING = 1 << 22
"""Pairs that are kept one by one before equal ones are joined (64 MB)."""


class Pairs:
    """Weighted counts of pairs (a, b), a below `rows` and b below `columns`; float64."""

    def __init__(self, rows: int, columns: int) -> None:
        self.rows, self.columns = rows, columns
        self._keys: list[Tensor] = []
        self._numbers: list[Tensor] = []
        self._joined = 0  # how many of those held are known to differ

    def add(self, left: Tensor, right: Tensor, weights: Tensor | float = 1.0) -> None:
        """Count pairs, whole numbers [..] each; a weight of -1 takes them away again."""
        keys = (left * self.columns + right).flatten()
        number = torch.as_tensor(weights, dtype=torch.float64).expand(left.shape).flatten()
        self._take(keys, number)

    def merge(self, other: "Pairs") -> None:
        """Add what another shard counted."""
        for keys, number in zip(other._keys, other._numbers, strict=True):
            self._take(keys, number)

    def counts(self) -> tuple[Tensor, Tensor, Tensor]:
        """The different pairs, sorted: a, b and n(a, b)."""
        if len(self._keys) > 1 or self._joined == 0:
            self._join()
        keys = self._keys[0]
        return keys // self.columns, keys % self.columns, self._numbers[0]

    def through(self, table: Tensor) -> Tensor:
        """[rows, D]: for each a the sum over b of n(a, b) table[b]; table [columns, D]."""
        left, right, number = self.counts()
        if not len(left):
            return table.new_zeros(self.rows, table.shape[1])
        begins = torch.searchsorted(left, torch.arange(self.rows))
        return torch.nn.functional.embedding_bag(
            right, table, begins, per_sample_weights=number.to(table.dtype), mode="sum"
        )

    def _take(self, keys: Tensor, number: Tensor) -> None:
        self._keys.append(keys)
        self._numbers.append(number)
        if sum(map(len, self._keys)) - self._joined > PENDING:
            self._join()

    def _join(self) -> None:
        keys = torch.cat(self._keys or [torch.zeros(0, dtype=torch.int64)])
        number = torch.cat(self._numbers or [torch.zeros(0, dtype=torch.float64)])
        found, place = keys.unique(return_inverse=True)
        self._keys = [found]
        self._numbers = [torch.bincount(place, weights=number, minlength=len(found))]
        self._joined = len(found)

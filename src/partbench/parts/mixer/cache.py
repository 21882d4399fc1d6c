"""Keys and values of the past, as attention keeps them between the pieces of a text.

Source: Shazeer 2019, arXiv:1911.02150, section 2.4 (incremental attention); a window keeps its
last positions alone: Beltagy et al. 2020, arXiv:2004.05150.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from partbench.parts.shapes import Groups


class Cache(NamedTuple):
    """Keys (normed and turned) and values [batch, kv_head, position, head_width]; length so far.

    Without a window there is room for all positions, written in place; with one, the tensors hold
    the last `window` - 1 positions and no more.
    """

    keys: Tensor
    values: Tensor
    length: int
    window: int | None

    @staticmethod
    def empty(shape: tuple[int, int, int, int], window: int | None, like: Tensor) -> "Cache":
        """Room for shape = (batch, kv_head, capacity, head_width)."""
        batch, groups, capacity, width = shape
        room = (batch, groups, capacity if window is None else 0, width)
        return Cache(like.new_zeros(room), like.new_zeros(room), 0, window)

    def extended(self, key: Groups, value: Groups) -> tuple[Groups, Groups, "Cache"]:
        """All keys and values that the next positions may see, their own last; the next cache."""
        length = self.length + key.shape[2]
        if self.window is None:
            self.keys[:, :, self.length : length] = key
            self.values[:, :, self.length : length] = value
            keys, values = self.keys[:, :, :length], self.values[:, :, :length]
            return keys, values, self._replace(length=length)
        keys, values = torch.cat([self.keys, key], dim=2), torch.cat([self.values, value], dim=2)
        gone = max(0, keys.shape[2] - (self.window - 1))
        return keys, values, Cache(keys[:, :, gone:], values[:, :, gone:], length, self.window)

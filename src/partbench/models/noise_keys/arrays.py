"""Arrays that grow by rows, ranges laid end to end, digits packed into numbers that sort alike."""

import numpy as np

Array = np.ndarray


class Grown:
    """An array that rows can be added to without moving it each time."""

    def __init__(self, data: Array) -> None:
        self.kept, self.length = data, len(data)

    @property
    def data(self) -> Array:
        """The rows in use."""
        return self.kept[: self.length]

    def append(self, rows: Array) -> int:
        """Add `rows`; the number of the first."""
        start = self.length
        self.reach(start + len(rows), 0)
        self.kept[start : self.length] = rows
        return start

    def reach(self, length: int, value: int) -> None:
        """Make it `length` long, new rows filled with `value`."""
        if length > len(self.kept):
            wider = np.full((max(length, 2 * len(self.kept)), *self.kept.shape[1:]), value)
            wider = wider.astype(self.kept.dtype)
            wider[: self.length] = self.data
            self.kept = wider
        if length > self.length:
            self.kept[self.length : length] = value
            self.length = length


def ranges(low: Array, size: Array) -> tuple[Array, Array]:
    """Every place of every range: the number of its range, and the place."""
    owner = np.repeat(np.arange(len(size)), size)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(size) - size, size)
    return owner, low[owner] + within


def packed(digits: Array) -> list[Array]:
    """Rows of digits as few whole numbers that sort alike, the most significant first."""
    columns = []
    for start in range(0, digits.shape[1], 18):
        number = np.zeros(len(digits), np.int64)
        for column in digits[:, start : start + 18].T:
            number = number * 10 + column
        columns.append(number)
    return columns

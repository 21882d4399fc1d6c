"""What the lamp knows, as a table: one number a mark and tag. Reading it needs no tensor library.

    p(tag | text) = softmax(sum over the marks of text of weight[mark] + bias)

The learner writes the table as a whole file, the lamp reads it: a prediction is some thirty
look-ups. Numbers are float32; the file is one line of JSON and then the weights as they are.
"""

import json
import math
import sys
from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from lamp.tags import NOTHING, TAGS, Tag
from lamp.words import marks

TABLE = "table.bin"
"""The file in the lamp's folder."""
SURE = 0.6
"""The share of belief from which the lamp acts by itself."""


class Forecast(NamedTuple):
    """The likeliest tag and how likely it is."""

    tag: Tag
    probability: float

    @property
    def sure(self) -> bool:
        """Whether to act on it."""
        return self.probability > SURE


class Mind:
    """weights: of mark i and tag j at 3 i + j; rows: the number of each mark."""

    def __init__(self, rows: Mapping[str, int], weights: "array[float]", bias: Sequence[float]):
        self.rows, self.weights, self.bias = rows, weights, tuple(bias)

    @classmethod
    def empty(cls) -> "Mind":
        """One that has heard nothing and expects nothing."""
        return cls({}, array("f"), [0.0 if tag == NOTHING else -3.0 for tag in TAGS])

    def probabilities(self, text: str) -> list[float]:
        """p(tag | text) in the order of TAGS."""
        sums, weights = list(self.bias), self.weights
        for mark in marks(text):
            row = self.rows.get(mark)
            if row is not None:
                for tag in range(len(sums)):
                    sums[tag] += weights[3 * row + tag]
        top = max(sums)
        shares = [math.exp(value - top) for value in sums]
        return [share / sum(shares) for share in shares]

    def forecast(self, text: str) -> Forecast:
        """The likeliest tag; of equals the later in TAGS, so that doubt does nothing."""
        shares = self.probabilities(text)
        best = max(range(len(TAGS)), key=lambda tag: (shares[tag], tag))
        return Forecast(TAGS[best], shares[best])

    def written(self) -> bytes:
        """The table as a file's content, least significant byte first."""
        head = {"bias": self.bias, "marks": list(self.rows), "numbers": len(self.weights)}
        weights = array("f", self.weights)
        if sys.byteorder == "big":
            weights.byteswap()
        return json.dumps(head, ensure_ascii=False).encode() + b"\n" + weights.tobytes()

    @classmethod
    def read(cls, path: Path) -> "Mind | None":
        """The table in a file, or None where there is none that is whole."""
        try:
            line, _, rest = path.read_bytes().partition(b"\n")
            head = json.loads(line)
            weights = array("f", rest)
        except (OSError, ValueError):
            return None
        if len(weights) != head["numbers"] or len(weights) != 3 * len(head["marks"]):
            return None
        if sys.byteorder == "big":
            weights.byteswap()
        return cls({mark: row for row, mark in enumerate(head["marks"])}, weights, head["bias"])

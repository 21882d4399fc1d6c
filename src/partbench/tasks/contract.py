"""What every task can do: hand out the same batches to every arm, and score them to one number."""

from collections.abc import Iterable, Iterator
from typing import Protocol, runtime_checkable

from torch import Tensor

from partbench.data.batch import Batch
from partbench.data.corpora import Corpus


class Scored(Protocol):
    """What a task needs of a model's answer (`models.contract.Score` is one)."""

    @property
    def nll(self) -> Tensor:
        """Nats of each target [batch, time]."""
        ...

    @property
    def correct(self) -> Tensor | None:
        """Whether each target was the likeliest, or None where the model does not say."""
        ...


@runtime_checkable
class OnText(Protocol):
    """A task that is about one text; others have no corpus."""

    corpus: Corpus


class Task(Protocol):
    """The contract; conformance tests run over every entry of `tasks.PARTS`.

    vocab: number of different tokens. unit: what the deciding number is measured in; lower is
    better.
    """

    vocab: int
    unit: str

    def batch(self, seed: int, step: int, size: int) -> Batch:
        """The training batch of `step`: a pure function of these three numbers.

        `size` rows of a context; other rows with about as many targets where it provides
        "own_shapes".
        """
        ...

    def evaluation(self, seed: int, size: int) -> Iterator[Batch]:
        """The held-out batches of pair `seed`, the same for every arm and budget.

        The last one is smaller where `size` does not divide their number.
        """
        ...

    def tally(self, score: Scored, batch: Batch) -> tuple[float, float]:
        """What a scored batch adds to the task's number: (numerator, denominator).

        The number is the sum of the first over the sum of the second, over all batches.
        """
        ...

    def fold(self, seed: int) -> int:
        """Which part of the data pair `seed` is scored on."""
        ...

    def encode(self, text: str) -> Tensor:
        """The tokens of `text`, int64 [time]."""
        ...

    def decode(self, ids: Iterable[int] | Tensor) -> str:
        """The text of `ids`."""
        ...

"""What every model can do, a network or not: tokens in, log-probabilities out.

A model is built by `models.build` from its factories (before the `*`) and settings (after it).
Its class declares:
    PHASES   how it learns: ("train",) by gradients, ("fit",) by one pass of counting or algebra,
             or both in order; the one trainer runs them on the same batches.
    DEFAULTS the part that fills each of its slots where a configuration is silent;
    TILED    the slots that may hold a list of parts, tiled over depth;
    HANDED   the slots that it only hands on to its parts, where nobody may ask for them.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

from torch import Tensor, nn

from partbench.data.batch import Batch
from partbench.parts.shapes import Logits, Losses, Tokens


class Score(NamedTuple):
    """The answer to a batch.

    nll: negative log-likelihood of each target in nats [batch, time]; weights: as in the batch;
    extra: auxiliary losses (name -> scalar, already weighted) that training adds to the mean nll.
    correct: whether each target was the likeliest [batch, time], bool, where a model can say so
    without gradients; tasks that are decided on accuracy need it. confidence: the probability it
    gave to the likeliest [batch, time], beside `correct`.
    """

    nll: Losses
    weights: Tensor
    extra: dict[str, Tensor]
    correct: Tensor | None = None
    confidence: Tensor | None = None

    def mean(self) -> Tensor:
        """Weighted mean of the nll, in nats a target."""
        return (self.nll * self.weights).sum() / self.weights.sum().clamp_min(1e-9)


@runtime_checkable
class Model(Protocol):
    """The contract; conformance tests run over every entry of `models.PARTS`."""

    PHASES: tuple[str, ...]

    def score(self, batch: Batch) -> Score:
        """Score every target given what precedes it; causal."""
        ...

    def flops(self) -> int:
        """Forward FLOPs of one sequence of `dims.context` tokens."""
        ...


if TYPE_CHECKING:

    class Network(nn.Module, Model):
        """A module that meets the contract: what `models.build` gives. Types cannot say "both"."""

else:
    Network = nn.Module


class Fitted(Protocol):
    """A model that learns without gradients (phase "fit")."""

    def fit(self, stream: Iterable[Batch]) -> None:
        """Learn from the batches in order; `state_dict` then holds all that was learned.

        Parameters are set in place (`weight.copy_`): the optimiser holds them already.
        """
        ...


@runtime_checkable
class Decoder(Protocol):
    """A model that can continue a text one piece at a time."""

    def begin(self, batch: int, capacity: int) -> Any:
        """An empty state for `batch` sequences of at most `capacity` tokens."""
        ...

    def step(self, tokens: Tokens, state: Any) -> tuple[Logits, Any]:
        """Logits after each of `tokens`, given all before them, and the state that follows.

        Equals the whole forward pass on the same tokens, however they are cut into pieces.
        """
        ...

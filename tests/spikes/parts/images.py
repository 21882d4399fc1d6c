"""A task with pixels in and one answer a picture, a model for it, and patches for a Transformer.

pixels [batch, time, channels] float -> class;  targets and weights [batch, answers]
decided on nats a picture, for the contract hands a task losses and no answers
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from partbench.core import rng
from partbench.core.dims import Dims
from partbench.core.ranges import Count
from partbench.core.roles import Role
from partbench.data.batch import Batch
from partbench.models import accounting
from partbench.models.contract import Score

CLASSES = 10


class Digits:
    """Ten random prototypes of `dims.context` patches, and noisy copies of them.

    answers "one": one target a picture (a classifier); "last": one a patch, of which only the last
    counts (a causal Transformer). Source: made up; nothing is read from disk.
    """

    PROVIDES = ("pixels",)
    vocab = CLASSES
    unit = "nats per picture"

    def __init__(self, dims: Dims, *, channels: Count = 8, answers: str = "one") -> None:
        self.shape = (dims.context, channels)
        self.answers = 1 if answers == "one" else dims.context
        self.prototypes = self._draw(CLASSES, "prototypes")

    def batch(self, seed: int, step: int, size: int) -> Batch:
        """A function of seed and step."""
        return self._pictures(size, seed, "batch", step)

    def evaluation(self, seed: int, size: int) -> Iterator[Batch]:
        """The same 128 pictures however they are cut."""
        whole = self._pictures(128, seed, "evaluation")
        for first in range(0, 128, size):
            yield Batch(*(item[first : first + size] for item in whole))

    def tally(self, score: Score, batch: Batch) -> tuple[float, float]:
        """Nats and pictures."""
        return float((score.nll.double() * batch.weights).sum()), float(batch.weights.sum())

    def fold(self, seed: int) -> int:
        """There are no folds."""
        return 0

    def _pictures(self, size: int, *names: str | int) -> Batch:
        labels = torch.from_numpy(rng.stream(0, "labels", *names).integers(0, CLASSES, size))
        pixels = self.prototypes[labels] + 0.5 * self._draw(size, *names)
        weights = torch.zeros(size, self.answers)
        weights[:, -1] = 1.0
        return Batch(pixels, labels.unsqueeze(1).repeat(1, self.answers), weights)

    def _draw(self, size: int, *names: str | int) -> Tensor:
        return torch.from_numpy(
            rng.stream(0, "pixels", *names).standard_normal((size, *self.shape), dtype="float32")
        )


class PixelClassifier(nn.Module):
    """W2 relu(W1 vec(pixels)): no slots at all. Source: this spike. Cost: two matrices."""

    PHASES = ("train",)
    ROLES = {"up.weight": Role.READ, "down.weight": Role.HEAD}

    def __init__(self, dims: Dims, *, channels: Count = 8, alive: bool = True) -> None:
        super().__init__()
        self.up = nn.Linear(dims.context * channels, dims.width, bias=False)
        self.down = nn.Linear(dims.width, dims.vocab, bias=False)
        self.dims, self.channels, self.alive = dims, channels, alive

    def score(self, batch: Batch) -> Score:
        """Nats of each picture's class."""
        logits = self.down(self.up(batch.inputs.to(self.up.weight.dtype).flatten(1)).relu())
        logits = logits.float() if self.alive else 0 * logits.float()
        nll = nn.functional.cross_entropy(logits, batch.targets[:, 0], reduction="none")
        return Score(nll.unsqueeze(1), batch.weights, {})

    def flops(self) -> int:
        """Of one picture. Not accounting.flops: that multiplies by the context, a picture once."""
        return 2 * sum(accounting.parameters(self).values())


class Patches(nn.Module):
    """x = W patch: a Transformer's embedding of pixels. Source: Dosovitskiy et al. 2020,
    arXiv:2010.11929. Cost: channels * width parameters, which the role `embedding` does not count.
    """

    ROLES = {"weight": Role.EMBEDDING}

    def __init__(self, dims: Dims, *, channels: Count = 8) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(channels, dims.width))
        self.context = dims.context

    def forward(self, pixels: Tensor) -> Tensor:
        """The stream [batch, time, width]."""
        return pixels.to(self.weight.dtype) @ self.weight

    def extra_flops(self) -> int:
        """An embedding by product, not by look-up."""
        return 2 * self.weight.numel() * self.context

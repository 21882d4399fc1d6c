"""Models that read pictures, held to the promises of all models: each token becomes a picture.

    token t at place i of a sequence  ->  the picture  A[t] + B[i],  A and B fixed random pictures

So a classifier of pictures stands where a model of text does: it sees every token by itself, later
tokens cannot move earlier answers, and a batch of texts is a batch of pictures.
"""

from typing import Any

import torch
from torch import Tensor

from partbench.core import rng
from partbench.core.menu import Part
from partbench.core.picture import Picture
from partbench.data.batch import Batch
from partbench.models.contract import Score

PICTURE = Picture(channels=2, height=8, width=8)


def reads_pictures(part: Part) -> bool:
    """Whether a model needs a task with pixels."""
    return part.constants.get("NEEDS", {}).get("task") == "pixels"


def behind_tokens(model: Any) -> Any:
    """The same model, reading tokens: its parameters, their names and its copies stay its own."""
    kind: Any = type(model)

    class Reading(kind):
        """The class it had, with tokens in the place of pixels."""

        def score(self, batch: Batch) -> Score:
            shape = batch.targets.shape
            targets, weights = (item.reshape(-1, 1) for item in batch[1:])
            found = kind.score(self, Batch(_pixels(batch.inputs), targets, weights))
            rest = (item if item is None else item.view(shape) for item in found[3:])
            return Score(found.nll.view(shape), batch.weights, found.extra, *rest)

        def forward(self, tokens: Tensor) -> Tensor:
            return kind.forward(self, _pixels(tokens)).view(*tokens.shape, -1)

    Reading.__name__ = kind.__name__
    model.__class__ = Reading
    return model


def _pixels(tokens: Tensor) -> Tensor:
    """[batch, time] -> [batch * time, channel, height, width]."""
    places = torch.arange(tokens.shape[1]).expand_as(tokens)
    seen = [_drawn("token", tokens.flatten()), _drawn("place", places.flatten())]
    return seen[0] + seen[1]


def _drawn(name: str, numbers: Tensor) -> Tensor:
    known = {n: rng.stream(3, name, n).standard_normal(PICTURE) for n in set(numbers.tolist())}
    return torch.stack([torch.from_numpy(known[n]) for n in numbers.tolist()])

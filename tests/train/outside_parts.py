"""Parts and models of a user's own, each wrong or odd in one way; named by path in the tests."""

import math

import torch
from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.roles import Role
from partbench.models.contract import Score
from partbench.parts.flow import Flow


class _Plain(nn.Module):
    ROLES = {"up.weight": Role.READ, "down.weight": Role.WRITE}

    def __init__(self, dims: Dims) -> None:
        super().__init__()
        self.up = nn.Linear(dims.width, 2 * dims.width, bias=False)
        self.down = nn.Linear(2 * dims.width, dims.width, bias=False)

    def forward(self, x: Tensor, flow: Flow) -> Tensor:
        return self.down(self.up(x).relu())


class Dropping(_Plain):
    """Draws from torch's global stream while it trains, as nn.Dropout does."""

    def __init__(self, dims: Dims) -> None:
        super().__init__(dims)

    def forward(self, x: Tensor, flow: Flow) -> Tensor:
        return nn.functional.dropout(super().forward(x, flow), 0.5, self.training)


class Raises(_Plain):
    """Raises what no list of usual errors holds."""

    def __init__(self, dims: Dims) -> None:
        super().__init__(dims)

    def forward(self, x: Tensor, flow: Flow) -> Tensor:
        raise Complaint("seven\nis not a prime today")


class Complaint(Exception):
    """A user's own error."""


class BadBooks(_Plain):
    """Trains well and cannot count itself."""

    def __init__(self, dims: Dims) -> None:
        super().__init__(dims)

    def extra_flops(self) -> int:
        raise Complaint("no idea")


class NotANumber(_Plain):
    """Gives nan from the third pass on."""

    def __init__(self, dims: Dims) -> None:
        super().__init__(dims)
        self.passes = 0

    def forward(self, x: Tensor, flow: Flow) -> Tensor:
        self.passes += 1
        return super().forward(x, flow) * (math.nan if self.passes > 2 else 1.0)


class FitThenTrain(nn.Module):
    """Unigram counts from one pass, then a temperature and a shift by gradients."""

    PHASES = ("fit", "train")
    ROLES = {"scale": Role.SCALAR, "shift": Role.SCALAR}

    def __init__(self, dims: Dims) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))
        self.shift = nn.Parameter(torch.zeros(dims.vocab))
        self.register_buffer("counts", torch.ones(dims.vocab))
        self.passes = 0

    def fit(self, stream) -> None:
        self.passes += 1
        for batch in stream:
            self.counts += torch.bincount(batch.targets.flatten(), minlength=len(self.counts))

    def score(self, batch) -> Score:
        logits = self.scale * self.counts.log() + self.shift
        nll = -logits.log_softmax(-1)[batch.targets]
        return Score(nll, batch.weights, {})

    def flops(self) -> int:
        return 2 * len(self.counts)

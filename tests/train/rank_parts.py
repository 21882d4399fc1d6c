"""Feed-forward parts that behave differently where several ranks train one cell."""

import os

import torch
from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.roles import Role
from partbench.parts.flow import Flow


class Counting(nn.Module):
    """Counts its positive hidden units over a step and shifts them by the count's sign after it."""

    ROLES = {"up.weight": Role.READ, "down.weight": Role.WRITE}
    SUMMED = ("load",)

    def __init__(self, dims: Dims) -> None:
        super().__init__()
        self.up = nn.Linear(dims.width, 2 * dims.width, bias=False)
        self.down = nn.Linear(2 * dims.width, dims.width, bias=False)
        self.register_buffer("load", torch.zeros(2 * dims.width), persistent=False)
        self.register_buffer("shift", torch.zeros(2 * dims.width))

    def forward(self, x: Tensor, flow: Flow) -> Tensor:
        hidden = self.up(x) + self.shift
        if self.training:
            self.load += (hidden > 0).to(self.load.dtype).sum((0, 1))
        return self.down(hidden.relu())

    def before_step(self, step: int, steps: int) -> None:
        self.load.zero_()

    def after_step(self, step: int, steps: int) -> None:
        self.shift += 0.01 * torch.sign(self.load.mean() - self.load)


class Drifting(nn.Module):
    """The same without `SUMMED`: each rank would shift by what it saw itself."""

    ROLES = Counting.ROLES

    def __init__(self, dims: Dims) -> None:
        super().__init__()
        self.up = nn.Linear(dims.width, 2 * dims.width, bias=False)
        self.down = nn.Linear(2 * dims.width, dims.width, bias=False)
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x: Tensor, flow: Flow) -> Tensor:
        hidden = self.up(x).relu()
        self.seen += hidden.detach().sum()
        return self.down(hidden)


class Moody(nn.Module):
    """Does on rank 1 what PARTBENCH_TEST_MOOD says: raises, or ends at once."""

    ROLES = Counting.ROLES

    def __init__(self, dims: Dims) -> None:
        super().__init__()
        self.up = nn.Linear(dims.width, 2 * dims.width, bias=False)
        self.down = nn.Linear(2 * dims.width, dims.width, bias=False)

    def forward(self, x: Tensor, flow: Flow) -> Tensor:
        if os.environ.get("RANK") == "1":
            mood = os.environ["PARTBENCH_TEST_MOOD"]
            if mood == "raises":
                raise ValueError("not on this rank")
            if mood == "dies":
                os._exit(9)
        return self.down(self.up(x).relu())

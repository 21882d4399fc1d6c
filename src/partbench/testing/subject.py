"""What is being checked: one part with some settings, in models small enough to check it in."""

import ast
import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from partbench.core import rng
from partbench.core.config import Config
from partbench.core.menu import Part, find
from partbench.core.numerics import Numerics
from partbench.data.batch import Batch
from partbench.models.build import build
from partbench.testing.pictures import PICTURE, behind_tokens, reads_pictures

VOCAB, CONTEXT, BATCH = 32, 16, 3
DIMS: dict[str, Any] = {
    "depth": 2,
    "width": 32,
    "num_heads": 4,
    "num_kv_heads": 2,
    "context": CONTEXT,
}
SEEING_INIT = {"part": "fan_in", "variance": 1 / 3}
"""Torch's own, for models of pictures: kernels that read few numbers start too small at 0.02."""
BUILT = (
    "model",
    "embedding",
    "position",
    "norm",
    "mixer",
    "probability",
    "ffn",
    "residual",
    "head",
)
"""Slots that make a model: checked inside a tiny one, all other slots at their defaults."""


@dataclass(frozen=True)
class Subject:
    """One part with some settings; `beside`: what its neighbours are, where not at defaults."""

    slot: str
    name: str
    settings: dict[str, Any] = field(default_factory=dict)
    beside: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return ",".join(
            [f"{self.slot}={self.name}"] + [f"{k}={v}" for k, v in self.settings.items()]
        )

    @property
    def part(self) -> Part:
        """Its entry on the menu."""
        return find(self.slot, self.name)

    @cached_property
    def config(self) -> Config:
        """The tiny configuration with the part in its slot."""
        own = {self.slot: {"part": self.name, **self.settings}}
        pixels = "pixels" in self.part.constants.get("PROVIDES", ())
        besides: dict[str, Any] = {"model": "vit"} if pixels else {}
        if self.seeing:
            besides = {"task": "images", "init": SEEING_INIT}
        return Config({"dims": DIMS, **besides}).edit({**self.beside, **own})

    @property
    def seeing(self) -> bool:
        """Whether it is a model of pictures; tokens then stand for some (`testing.pictures`)."""
        return self.slot == "model" and reads_pictures(self.part)

    def model(
        self,
        precision: str = "float64",
        attention: str = "fused",
        *,
        seed: int = 0,
        awake: bool = True,
    ) -> Any:
        """A model as it starts or, awake, one that is no special case any more.

        Awake: one that learns by counting has counted, and all parameters are shaken, so that no
        gain is 1 and no two streams are equal.
        """
        numerics = Numerics(precision=precision, attention=attention)  # type: ignore[arg-type]
        tree, picture = self.config.resolved, PICTURE if self.seeing else None
        model: Any = build(tree, vocab=VOCAB, seed=seed, numerics=numerics, picture=picture)
        if self.seeing:
            model = behind_tokens(model)
        if awake and "fit" in type(model).PHASES:
            model.fit(random_batch("fit", step) for step in range(4))
        if awake:
            shake(model, seed)
        return model


@torch.no_grad()
def shake(model: nn.Module, seed: int, size: float = 0.2) -> None:
    """Add noise to every parameter, the same in every precision."""
    for name, weight in model.named_parameters():
        noise = rng.stream(seed, "shake", name).standard_normal(tuple(weight.shape))
        weight.add_(size * torch.from_numpy(noise).to(weight.dtype))


def random_batch(*names: str | int) -> Batch:
    """Tokens drawn from the stream called `names`."""
    tokens = torch.from_numpy(rng.stream(1, *names).integers(0, VOCAB, (BATCH, CONTEXT + 1)))
    return Batch(tokens[:, :-1], tokens[:, 1:], torch.ones(BATCH, CONTEXT))


def steadily(model: Any, batch: Batch) -> Any:
    """The score of a batch with torch's generator set, so that dropout draws the same each time."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(1)
        return model.score(batch)


def variants(slot: str, name: str) -> list[Subject]:
    """The part at its defaults, then once for each other value of a switch or a named choice."""
    found = [Subject(slot, name)]
    for setting in find(slot, name).settings.values():
        others: list[Any] = []
        if setting.annotation == "bool":
            others = [not setting.default]
        elif setting.annotation.startswith("Literal["):
            choices = ast.literal_eval(setting.annotation.removeprefix("Literal"))
            others = [choice for choice in choices if choice != setting.default]
        found += [Subject(slot, name, {setting.name: other}) for other in others]
    return found


def assert_near(one: Tensor, other: Tensor, tolerance: float, what: str) -> None:
    """AssertionError with the largest difference where two tensors differ by more."""
    assert one.shape == other.shape, f"{what}: shapes {list(one.shape)} and {list(other.shape)}"
    gap = largest_gap(one, other)
    assert gap <= tolerance, f"{what}: differ by {gap:.3g}, allowed {tolerance:.3g}"


def largest_gap(one: Tensor, other: Tensor) -> float:
    """The largest difference of two tensors of one shape; infinite where one is not a number."""
    gap = (one - other).abs().max().item() if one.numel() else 0.0
    return gap if gap == gap else math.inf


def gradients(model: nn.Module, loss: Tensor) -> dict[str, Tensor]:
    """The gradient of each parameter, zeros where it has none."""
    named = dict(model.named_parameters())
    found = torch.autograd.grad(loss, list(named.values()), allow_unused=True)
    return {
        name: torch.zeros_like(weight) if gradient is None else gradient
        for (name, weight), gradient in zip(named.items(), found, strict=True)
    }

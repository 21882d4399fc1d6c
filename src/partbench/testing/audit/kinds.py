"""What the audited model can do at all, so that checks know what there is to look at."""

from functools import cache
from typing import Any

import torch
from torch import nn

from partbench.core.factory import load
from partbench.core.menu import find
from partbench.testing.subject import Subject


def kind(subject: Subject) -> Any:
    """The class of the whole model."""
    return load(find("model", subject.config.resolved["model"]["part"]))


def gives_logits(subject: Subject) -> bool:
    """Whether it has a forward pass beside its score."""
    return kind(subject).forward is not nn.Module.forward


def decodes(subject: Subject) -> bool:
    """Whether it can go on token by token."""
    return hasattr(kind(subject), "step")


def trains(subject: Subject) -> bool:
    """Whether it learns by gradients."""
    return "train" in kind(subject).PHASES


def residual(model: Any) -> Any:
    """The part that owns the residual stream, or None."""
    return getattr(model, "residual", None)


@cache
def family(name: str) -> str:
    """A parameter's name with its numbers left open: `ffns.1.up.weight` -> `ffns.*.up.weight`."""
    return ".".join("*" if word.isdigit() else word for word in name.split("."))


def rms(x: torch.Tensor) -> float:
    """Root mean square in float64."""
    return x.detach().double().square().mean().sqrt().item()

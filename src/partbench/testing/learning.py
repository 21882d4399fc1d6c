"""How every model learns: each parameter has a role and moves, one batch is learned by heart."""

import copy
import math
from collections.abc import Callable
from typing import Any

import torch

from partbench.core.dims import Dims
from partbench.core.factory import Factory
from partbench.core.roles import Role
from partbench.models import accounting
from partbench.testing.subject import VOCAB, Subject, gradients, random_batch

STEPS, RATE = 60, 1e-2


def every_parameter_has_a_role(subject: Subject) -> None:
    """By name, and one there is; ConfigError names the one that has none."""
    model = subject.model(awake=False)
    roles = accounting.roles(model)
    assert set(roles) == {name for name, _ in model.named_parameters()}
    for name, role in roles.items():
        assert isinstance(role, Role), f"{subject}: the role of {name} is {role!r}, no Role"


def a_state_dict_holds_all_that_was_learned(subject: Subject) -> None:
    """Saved and loaded into another seed's model: the same bits, every tensor stored once."""
    model, batch = subject.model(), random_batch("state")
    saved = copy.deepcopy(model.state_dict())
    places = [t.data_ptr() for t in model.state_dict().values() if t.numel()]
    assert len(places) == len(set(places)), f"{subject}: a tensor is saved under two names"
    missing = {name for name, _ in model.named_parameters()} - set(saved)
    assert not missing, f"{subject}: {sorted(missing)} are not saved"
    other = subject.model(seed=1, awake=False)
    other.load_state_dict(saved)
    assert torch.equal(other.score(batch).nll, model.score(batch).nll), f"{subject}: loaded differs"


def one_batch_is_learned_by_heart(subject: Subject) -> None:
    """Its loss falls far below that of guessing, and below half of where it began."""
    model, batch = subject.model("float32", awake=False), random_batch("by heart")
    start = model.score(batch).mean().item()
    for phase in type(model).PHASES:
        model.fit([batch] * STEPS) if phase == "fit" else train_briefly(subject, model, STEPS)
    end = model.score(batch).mean().item()
    assert end < 0.5 * min(start, math.log(VOCAB)), f"{subject}: loss {start:.3f} fell to {end:.3f}"


def every_parameter_gets_a_gradient(subject: Subject) -> None:
    """After two steps, for a part that starts at the identity may wait for the others to move."""
    model = subject.model(awake=False)
    train_briefly(subject, model, 2)
    score = model.score(random_batch("by heart"))
    slopes = gradients(model, score.mean() + sum(score.extra.values()))
    total = math.sqrt(sum(slope.square().sum().item() for slope in slopes.values()))
    for name, slope in slopes.items():
        assert slope.isfinite().all(), f"{subject}: the gradient of {name} is not finite"
        assert slope.norm() > 1e-10 * total, f"{subject}: {name} gets no gradient, it is dead"


def two_runs_learn_the_same_bits(subject: Subject) -> None:
    """Three steps from one seed, twice."""
    losses = [train_briefly(subject, subject.model("float32", awake=False), 3) for _ in range(2)]
    assert losses[0] == losses[1], f"{subject}: {losses[0]} and then {losses[1]}"


def gradients_are_those_of_finite_differences(subject: Subject) -> None:
    """Along a random direction in all parameters, so that no part detaches or rounds on the way."""
    model, batch = subject.model(), random_batch("slope")
    slopes = gradients(model, model.score(batch).mean())
    torch_state = torch.Generator().manual_seed(0)
    ways = {
        n: torch.randn(s.shape, generator=torch_state, dtype=s.dtype) for n, s in slopes.items()
    }
    slope = sum((slopes[name] * way).sum().item() for name, way in ways.items())

    def loss(distance: float) -> float:
        moved = copy.deepcopy(model)
        with torch.no_grad():
            for name, way in ways.items():
                moved.get_parameter(name).add_(distance * way)
            return moved.score(batch).mean().item()

    measured = (loss(1e-6) - loss(-1e-6)) / 2e-6
    assert abs(measured - slope) <= 1e-5 * max(1.0, abs(slope)), (
        f"{subject}: the gradient says {slope:.8f}, finite differences {measured:.8f}"
    )


def train_briefly(
    subject: Subject, model: Any, steps: int, look: Callable[[int], None] = lambda step: None
) -> list[float]:
    """The losses of a few optimiser steps on one batch, hooks included.

    look: called at each step when gradients are there and nothing has moved yet.
    """
    choice = subject.config.edit({"optimizer.rate": RATE}).resolved["optimizer"]
    optimizer = Factory(
        "optimizer", choice, {"dims": Dims(**subject.config.resolved["dims"], vocab=VOCAB)}
    )().build(dict(model.named_parameters()), accounting.roles(model))
    batch, losses = random_batch("by heart"), []
    for step in range(steps):
        _hook(model, "before_step", step, steps)
        score = model.score(batch)
        (score.mean() + sum(score.extra.values())).backward()
        look(step)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        _hook(model, "after_step", step, steps)
        losses.append(score.mean().item())
    return losses


def _hook(model: Any, name: str, step: int, steps: int) -> None:
    for module in model.modules():
        if hasattr(module, name):
            getattr(module, name)(step, steps)


ALWAYS: list[Callable[[Subject], None]] = [
    every_parameter_has_a_role,
    a_state_dict_holds_all_that_was_learned,
    one_batch_is_learned_by_heart,
]
WITH_GRADIENTS: list[Callable[[Subject], None]] = [
    every_parameter_gets_a_gradient,
    two_runs_learn_the_same_bits,
    gradients_are_those_of_finite_differences,
]

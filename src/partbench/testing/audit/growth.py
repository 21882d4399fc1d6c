"""Do activations, logits or gradients grow with width and depth, faster than the default's?

Measured at the start in float32, two seeds: rms of the stream before the head, of the logits, and
of the gradient by what the first sublayer wrote; the slope of log2 of each over log2 of the width
(32, 64, 128 at depth 2) and of the depth (2, 4, 8 at width 32), less the default model's slope.
Limit .5 (warning), 1.5 (failure, as is what is not finite): a square root more than the default is
a missing 1 / sqrt(fan-in), or a sum where a mean belongs.
"""

import math
from functools import cache
from typing import Any

import torch
from torch import Tensor

from partbench.core.errors import ConfigError
from partbench.data.batch import Batch
from partbench.measure.probes.watch import tensors
from partbench.parts.residual import tells_streams
from partbench.testing.audit.finding import Finding, graded
from partbench.testing.audit.kinds import gives_logits, residual, rms, trains
from partbench.testing.subject import Subject, random_batch

SIZES: dict[str, tuple[int, ...]] = {"width": (32, 64, 128), "depth": (2, 4, 8)}
SEEDS = 2
Slopes = dict[tuple[str, str], float]


def growth(subject: Subject) -> Finding | None:
    """The largest slope beyond the default's."""
    if not (trains(subject) and gives_logits(subject)):
        return None
    own, base = slopes(subject), _default()
    beyond = {key: slope - base.get(key, 0.0) for key, slope in own.items()}
    (what, axis), number = max(beyond.items(), key=lambda item: _wide(item[1]))
    found = f"{what} grow with {axis} as the default's, or less"
    if not number <= 0.5:
        found = f"{what} grow with {axis} ** {own[what, axis]:.2f}, the default's ** "
        found += f"{base.get((what, axis), 0.0):.2f}"
    return graded(
        "growth",
        found,
        number,
        limit=0.5,
        worst=1.5,
        advice="divide by the root of what is summed over, or normalise what is written",
    )


def slopes(subject: Subject) -> Slopes:
    """(what, "width" or "depth") -> slope of log2 size over log2 of the axis."""
    found: Slopes = {}
    for axis, sizes in SIZES.items():
        try:
            looks = [_look(subject, axis, size) for size in sizes]
        except ConfigError:  # it says itself that it cannot be so deep, as a CNN on small pictures
            continue
        for what in looks[0]:
            found[what, axis] = _slope([look[what] for look in looks])
    return found


@cache
def _default() -> Slopes:
    return slopes(Subject("model", "transformer"))


def _look(subject: Subject, axis: str, size: int) -> dict[str, float]:
    sized = Subject(
        subject.slot, subject.name, subject.settings, {**subject.beside, f"dims.{axis}": size}
    )
    found: dict[str, float] = {}
    for seed in range(SEEDS):
        model: Any = sized.model("float32", seed=seed, awake=False)
        for what, value in _sizes(model, seed).items():
            found[what] = found.get(what, 0.0) + math.log2(max(value, 1e-30)) / SEEDS
    return found


def _sizes(model: Any, seed: int) -> dict[str, float]:
    batch = random_batch("growth", seed)
    with torch.no_grad():
        found = {"logits": rms(model(batch.inputs))}
    if residual(model) is None:
        return found
    wrote, ended = _looked_on(model, batch)
    found["activations"] = rms(ended)
    found["gradients"] = rms(wrote)
    return found


def _looked_on(model: Any, batch: Batch) -> tuple[Tensor, Tensor]:
    """The gradient by what the first sublayer wrote, and all that the state holds at its end.

    The state is opaque: of a part that says its streams these are taken, else its largest tensors.
    """
    part = model.residual
    seen: list[Tensor] = []
    ended: list[Tensor] = []
    write, end = part.write, part.end

    def first_write(sublayer: int, state: Any, output: Tensor) -> Any:
        seen.append(output)
        return write(sublayer, state, output)

    def last_look(state: Any) -> Tensor:
        held = [part.streams(state)] if tells_streams(part) else tensors(state)
        most = max(tensor.numel() for tensor in held)
        ended.extend(tensor.detach().flatten() for tensor in held if tensor.numel() == most)
        return end(state)

    vars(part).update(write=first_write, end=last_look)
    try:
        loss = model.score(batch).mean()
    finally:
        del vars(part)["write"], vars(part)["end"]
    (slope,) = torch.autograd.grad(loss, seen[0], allow_unused=True)
    return torch.zeros(1) if slope is None else slope, torch.cat(ended)


def _slope(values: list[float]) -> float:
    """Least squares over 0, 1, 2: sizes double each time."""
    return (values[2] - values[0]) / 2


def _wide(number: float) -> float:
    return number if number == number else math.inf

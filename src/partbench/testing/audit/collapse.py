"""Of several streams, are there several, at the start and after some steps?

Measured at the start: what the carries leave of a difference between streams, the spectral norm of
R on differences, |(I - J/n) R (I - J/n)|, over one sublayer (the smallest; a failure below .01: all
is averaged at once, as squares of the polar factor of -8 (J - I) do) and over twelve (a warning
below .01: no layer after the sixth sees more than the mean). Measured after four steps: the largest
relative difference between two streams (a failure below 1e-6: equal reads and writes keep equal
streams equal for ever, at n times the cost). Source: residual_stream, 4.2.
"""

from functools import reduce
from typing import Any

import torch
from torch import Tensor

from partbench.testing.audit.finding import Finding
from partbench.testing.audit.kinds import residual, trains
from partbench.testing.audit.streams import walked
from partbench.testing.learning import train_briefly
from partbench.testing.subject import Subject

DEPTH = 6


def averaging(subject: Subject) -> Finding | None:
    """At the start, over one sublayer and over twelve."""
    if residual(subject.model(awake=False)) is None:
        return None
    part = residual(_deep(subject).model(awake=False))
    seen = [] if part is None else walked(part, 2 * DEPTH)
    carries = [one.carry for one in seen if one.carry is not None]
    if not carries or carries[0].shape[-1] < 2:
        return None
    once = min(_left(carry) for carry in carries)
    left = _left(reduce(lambda whole, carry: carry @ whole, carries))
    check, limit = "stream averaging", 0.01
    if once < limit:
        found = f"a sublayer leaves {once:.2g} of what streams differ by: it averages them"
        return Finding(check, found, once, limit, "fail", "begin near the identity")
    found = f"{left:.2g} of what streams differ by is left after {2 * DEPTH} sublayers"
    if left < limit:
        advice = "begin nearer to the identity, the nearer the deeper: half left over the depth"
        return Finding(check, found, left, limit, "warn", advice)
    return Finding(check, found, left, limit, "pass")


def stream_collapse(subject: Subject) -> Finding | None:
    """After four steps."""
    if not trains(subject):
        return None
    model: Any = subject.model(awake=False)
    part = residual(model)
    first = [] if part is None else walked(part, 1)
    if not first or first[0].after.shape[2] < 2:
        return None
    train_briefly(subject, model, 4)
    streams = walked(part, model.dims.num_sublayers)[-1].after
    flat = streams.double().permute(2, 0, 1, 3).flatten(1)  # [n, all of a stream]
    number = (torch.cdist(flat, flat).max() / flat.norm(dim=1).max().clamp_min(1e-30)).item()
    check, limit = "stream collapse", 1e-6
    found = f"after 4 steps two of {streams.shape[2]} streams differ by {number:.2g} of their size"
    if number < limit:
        advice = "break the symmetry: let sublayer l begin to read stream l mod n"
        return Finding(check, found, number, limit, "fail", advice)
    return Finding(check, found, number, limit, "pass")


def _deep(subject: Subject) -> Subject:
    return Subject(
        subject.slot, subject.name, subject.settings, {**subject.beside, "dims.depth": DEPTH}
    )


def _left(carry: Tensor) -> float:
    """Spectral norm on differences between streams."""
    n = carry.shape[-1]
    away = torch.eye(n, dtype=torch.float64) - 1 / n
    return float(torch.linalg.matrix_norm(away @ carry @ away, 2).max())

"""L-BFGS: a few steps downhill on a smooth convex function, with a memory of the last steps.

    direction = -H g, H from the last MEMORY pairs of steps and gradient changes (two loops);
    length 1, halved until the value falls by ARMIJO of what the slope promises

Paper: Nocedal 1980, "Updating quasi-Newton matrices with limited storage". Plain, because
torch's own solver loads a compiler of 100 MB into a process that is meant for small machines.
"""

from collections import deque
from collections.abc import Callable

import torch
from torch import Tensor

MEMORY = 8
ARMIJO = 1e-4
HALVINGS = 20


def descend(loss: Callable[[Tensor], tuple[Tensor, Tensor]], start: Tensor, steps: int) -> Tensor:
    """From `start` [n], `steps` times. loss: value and gradient [n] there.

    Ends early where the gradient vanishes or no length helps any more; the value never rises.
    """
    point = start
    value, gradient = loss(point)
    pairs: deque[tuple[Tensor, Tensor]] = deque(maxlen=MEMORY)
    for _ in range(steps):
        direction = -_times_inverse(gradient, pairs)
        slope = gradient @ direction
        if slope >= 0:
            break
        length = 1.0 if pairs else min(1.0, 1.0 / float(gradient.abs().sum()))
        for _ in range(HALVINGS):
            there = point + length * direction
            lower, its_gradient = loss(there)
            if lower <= value + ARMIJO * length * slope:
                break
            length /= 2
        else:
            break
        step, change = there - point, its_gradient - gradient
        if step @ change > 1e-12 * (change @ change):
            pairs.append((step, change))
        point, value, gradient = there, lower, its_gradient
    return point


def _times_inverse(gradient: Tensor, pairs: "deque[tuple[Tensor, Tensor]]") -> Tensor:
    """The gradient times the remembered inverse of the curvature."""
    found, shares = gradient.clone(), []
    for step, change in reversed(pairs):
        share = (step @ found) / (step @ change)
        found -= share * change
        shares.append(share)
    if pairs:
        step, change = pairs[-1]
        found *= (step @ change) / (change @ change)
    for (step, change), share in zip(pairs, reversed(shares), strict=True):
        found += (share - (change @ found) / (step @ change)) * step
    return torch.as_tensor(found)

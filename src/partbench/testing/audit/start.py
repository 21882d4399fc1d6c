"""Where does it start: at the default part's function, or elsewhere? Only informs.

Measured: rms of the difference of the losses from those of the default model with the same seed,
over the rms of the default's spread of losses, in float64 as built. Up to 1e-9 it starts at the
identity of its slot (for a residual: exactly pre-norm), so that pairs differ only by what is
learned; the margin of 2 % for such parts rests on that.
"""

from functools import cache

import torch
from torch import Tensor

from partbench.testing.audit.finding import Finding
from partbench.testing.audit.kinds import rms
from partbench.testing.subject import Subject, random_batch


@torch.no_grad()
def start(subject: Subject) -> Finding:
    """Always a pass."""
    nll = subject.model(awake=False).eval().score(random_batch("start")).nll
    base = _default()
    number = rms(nll - base) / rms(base - base.mean())
    found = "starts as the default part does"
    if number > 1e-9:
        found = f"starts elsewhere: losses differ by {100 * number:.2g} % of their spread"
    return Finding("start", found, number, None, "pass")


@cache
@torch.no_grad()
def _default() -> Tensor:
    model = Subject("model", "transformer").model(awake=False)
    return model.score(random_batch("start")).nll

"""Parameters by role: who decays and who does not. Exact and disjoint by construction."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from partbench.core.roles import Role

DECAYED = frozenset({Role.READ, Role.WRITE, Role.HEAD, Role.EMBEDDING})
"""Matrices that are pulled towards zero; gains, biases, routers, scalars and mixing are not."""


def by_decay(
    named: Mapping[str, nn.Parameter], roles: Mapping[str, Role], decay: float
) -> list[dict[str, Any]]:
    """Two optimiser groups, with and without weight decay, in the order of parameter names."""
    groups: list[dict[str, Any]] = [
        {"params": [], "names": [], "weight_decay": decay, "share": 1.0},
        {"params": [], "names": [], "weight_decay": 0.0, "share": 1.0},
    ]
    for name in sorted(named):
        group = groups[0 if roles[name] in DECAYED else 1]
        group["params"].append(named[name])
        group["names"].append(name)
    return [group for group in groups if group["params"]]

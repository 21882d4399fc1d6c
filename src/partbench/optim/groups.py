"""Parameters by role: who decays, and at which share of the rate. Exact and disjoint."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from partbench.core.roles import Role

DECAYED = frozenset({Role.READ, Role.WRITE, Role.HEAD, Role.EMBEDDING})
"""Matrices that are pulled towards zero; gains, biases, routers, scalars and mixing are not."""


def by_role(
    named: Mapping[str, nn.Parameter],
    roles: Mapping[str, Role],
    settings: Callable[[Role], dict[str, Any]],
) -> list[dict[str, Any]]:
    """One optimiser group for all roles with equal settings, in the order of parameter names.

    settings: what a role's group holds; it needs `share` and `weight_decay`. Groups that decay
    come first.
    """
    groups: list[dict[str, Any]] = []
    for name in sorted(named):
        wanted = settings(roles[name])
        for group in groups:
            if all(group[key] == value for key, value in wanted.items()):
                break
        else:
            group = {"params": [], "names": [], **wanted}
            groups.append(group)
        group["params"].append(named[name])
        group["names"].append(name)
    return sorted(groups, key=lambda group: group["weight_decay"] == 0)


def decay_of(role: Role, decay: float, share: float) -> float:
    """The group's decay, so that rate * decay is the same whatever the share; 0 where none."""
    return decay / share if role in DECAYED else 0.0

"""Optimisers of the package `pytorch_optimizer`, made to fit the slot `optimizer`.

    partbench audit examples/adapters/pytorch_optimizer.py:SOAP

Two groups: matrices that decay and all else. Source: github.com/kozistr/pytorch_optimizer, 4.1.0.
"""

import pytorch_optimizer as package

from partbench.core.roles import Role

DECAYED = {Role.READ, Role.WRITE, Role.HEAD, Role.EMBEDDING}


def groups(named, roles, decay):
    """Decayed and other parameters, each at the whole rate."""
    kinds = {decay: [], 0.0: []}
    for name, weight in named.items():
        kinds[decay if roles[name] in DECAYED else 0.0].append(weight)
    return [
        {"params": held, "weight_decay": pull, "share": 1.0} for pull, held in kinds.items() if held
    ]


class SOAP:
    """Its SOAP. Memory: as it says."""

    def __init__(self, *, rate: float = 3e-3):
        self.rate = rate

    def build(self, named, roles):
        return package.SOAP(groups(named, roles, 0.01), lr=self.rate)


class Lion:
    """Its Lion. Memory: as it says."""

    def __init__(self, *, rate: float = 1e-3):
        self.rate = rate

    def build(self, named, roles):
        return package.Lion(groups(named, roles, 0.1), lr=self.rate)


class ScheduleFree:
    """Its ScheduleFreeAdamW. Memory: as it says."""

    def __init__(self, *, rate: float = 3e-3):
        self.rate = rate

    def build(self, named, roles):
        return package.ScheduleFreeAdamW(groups(named, roles, 0.01), lr=self.rate)


class AdEMAMix:
    """Its AdEMAMix. Memory: as it says."""

    def __init__(self, *, rate: float = 1e-3):
        self.rate = rate

    def build(self, named, roles):
        return package.AdEMAMix(groups(named, roles, 0.01), lr=self.rate)


class Shampoo:
    """Its ScalableShampoo. Memory: as it says."""

    def __init__(self, *, rate: float = 1e-3):
        self.rate = rate

    def build(self, named, roles):
        return package.ScalableShampoo(groups(named, roles, 0.0), lr=self.rate)

"""What a weight is for. Optimiser groups, initialisation and counts read roles, never names.

A part declares `ROLES = {"up.weight": Role.READ, ...}`: its own parameter names to roles. Names,
not attributes on parameters, because wrappers that shard or copy a model drop attributes.

A drawn matrix is [.., out, in], also where experts or heads are stacked: rates and starting values
by width read its fan-in off the last axis. A map that must begin at zero is MIXING, which is not
drawn; its part counts its FLOPs.
"""

from enum import StrEnum


class Role(StrEnum):
    """The uses of a parameter."""

    EMBEDDING = "embedding"  # token or position tables
    READ = "read"  # matrices that read the residual stream
    WRITE = "write"  # matrices that write back to it
    HEAD = "head"  # the output map to the vocabulary
    ROUTER = "router"  # matrices that choose experts or gates
    GAIN = "gain"  # per-channel scales
    BIAS = "bias"  # per-channel shifts
    SCALAR = "scalar"  # single numbers and small vectors of them
    MIXING = "mixing"  # the small matrices that carry and mix residual streams


MATRICES = frozenset({Role.READ, Role.WRITE, Role.HEAD, Role.ROUTER})
"""Roles whose weights are multiplied with activations: 2 FLOPs a weight and token, forward."""

DRAWN = frozenset({Role.EMBEDDING, Role.READ, Role.WRITE, Role.HEAD, Role.ROUTER})
"""Roles that the `init` part fills with random values; all others keep what their part set."""

"""The maps that mHC may carry its streams by, one a file; swapped by name."""

from partbench.parts.residual.carries.carry import Carry, halved
from partbench.parts.residual.carries.cayley import cayley
from partbench.parts.residual.carries.identity import identity
from partbench.parts.residual.carries.identity_mix import identity_mix
from partbench.parts.residual.carries.kronecker import kronecker
from partbench.parts.residual.carries.newton_schulz import newton_schulz
from partbench.parts.residual.carries.orthostochastic import orthostochastic
from partbench.parts.residual.carries.permutations import permutations
from partbench.parts.residual.carries.sinkhorn import sinkhorn

__all__ = ["CARRIES", "Carry", "halved"]

CARRIES: dict[str, Carry] = {
    "sinkhorn": sinkhorn,
    "permutations": permutations,
    "kronecker": kronecker,
    "orthostochastic": orthostochastic,
    "newton_schulz": newton_schulz,
    "cayley": cayley,
    "identity": identity,
    "identity_mix": identity_mix,
}

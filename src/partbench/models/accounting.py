"""What every model owes the books: the role of each parameter, FLOPs, counts."""

from typing import Protocol, runtime_checkable

from torch import nn

from partbench.core.errors import ConfigError
from partbench.core.roles import MATRICES, Role


@runtime_checkable
class Counted(Protocol):
    """A module with work beside its matrices."""

    def extra_flops(self) -> int:
        """Forward FLOPs of one sequence that `flops` does not find by itself.

        Below zero where a matrix is not used for every token (experts).
        """
        ...


def roles(model: nn.Module) -> dict[str, Role]:
    """Parameter name -> role, from the ROLES of the module each parameter lives in.

    Raises ConfigError for a parameter without a role: it would be neither drawn nor decayed right.
    """
    known: dict[str, Role] = {}
    for prefix, module in model.named_modules():
        for name, role in getattr(type(module), "ROLES", {}).items():
            known[f"{prefix}.{name}" if prefix else name] = role
    found = {}
    for name, _ in model.named_parameters():
        if name not in known:
            owner = name.rpartition(".")[0] or type(model).__name__
            raise ConfigError(
                f"parameter '{name}' has no role; add its name to ROLES of the part at '{owner}', "
                f'e.g. ROLES = {{"{name.rpartition(".")[2]}": Role.SCALAR}}'
            )
        found[name] = known[name]
    return found


def leave_out(model: nn.Module, role: Role) -> None:
    """Take all parameters of `role` out of a model; the parts that own them must do without."""
    for name, found in roles(model).items():
        if found is role:
            owner, _, own = name.rpartition(".")
            setattr(model.get_submodule(owner), own, None)


def flops(model: nn.Module, context: int) -> int:
    """Forward FLOPs of one sequence: two a matrix weight and token, plus each part's extra.

    Norms, activations and other elementwise work are left out, as FLOP counters leave them out.
    """
    by_role = roles(model)
    weights = sum(p.numel() for n, p in model.named_parameters() if by_role[n] in MATRICES)
    extra = sum(m.extra_flops() for m in model.modules() if isinstance(m, Counted))
    return 2 * weights * context + extra


def parameters(model: nn.Module) -> dict[str, int]:
    """Number of parameters by role; a tied table counts once."""
    by_role = roles(model)
    counts: dict[str, int] = {}
    for name, parameter in model.named_parameters():
        role = by_role[name]
        counts[role.value] = counts.get(role.value, 0) + parameter.numel()
    return counts

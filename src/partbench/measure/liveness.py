"""Is the swapped part alive? Did its parameters move, do they receive gradient, do they matter?

    moved         |theta - theta_0| / |theta_0|          (|theta - theta_0| where theta_0 = 0)
    gradient      |g_part|^2 / |g|^2 on one fixed held-out batch at the end
    reset cost    score with the part's parameters put back to their start, minus the score

Public code compared "hyper-connections" that never mixed, for a year; this is checked before any
verdict is read.
"""

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from partbench.core.factory import load
from partbench.core.menu import find
from partbench.models.contract import Network

Tree = dict[str, Any]


def inspect(
    model: Network,
    start: nn.Module,
    tree: Tree,
    probe: Callable[[], Tensor],
    grade: Callable[[Network], float],
) -> list[dict[str, Any]]:
    """One row a slot, and one for what the model holds itself.

    A row: slot, part, parameters, moved, gradient_share, reset_cost, alive, note.

    tree: the resolved `model` table; start: the model as it began; probe: mean loss with gradient;
    grade: score of a model. A part without parameters has None where nothing could move.
    """
    shares = _gradient_shares(model, probe)
    score = grade(model)
    owner = owners(model, tree)
    rows = []
    for slot in find("model", tree["part"]).slots:
        names = [name for name, belongs in owner.items() if belongs == slot]
        # A record says the same wherever an outside part's file lies.
        parts = [item["part"].rpartition("/")[2] for item in _choices(tree[slot])]
        part = ", ".join(dict.fromkeys(parts))
        rows.append({"slot": slot, "part": part, **_row(names, model, start, shares, score, grade)})
    own = [name for name, _ in model.named_parameters() if name not in owner]
    if own:
        row = _row(own, model, start, shares, score, grade)
        rows.append({"slot": "model", "part": tree["part"], **row})
    return rows


def unmoved(model: nn.Module, start: nn.Module, tree: Tree) -> list[str]:
    """Slots none of whose parameters differ from the start: dead, if steps were taken between."""
    moved: dict[str, bool] = {}
    for name, slot in owners(model, tree).items():
        differs = not torch.equal(model.get_parameter(name), start.get_parameter(name))
        moved[slot] = moved.get(slot, False) or differs
    return [slot for slot, any_moved in moved.items() if not any_moved]


def _row(
    names: list[str],
    model: Network,
    start: nn.Module,
    shares: dict[str, float],
    score: float,
    grade: Callable[[Network], float],
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "parameters": sum(model.get_parameter(name).numel() for name in names),
        "moved": None,
        "gradient_share": None,
        "reset_cost": None,
        "alive": None,
        "note": "" if names else "no parameters of its own",
    }
    if not names:
        return row
    change = _norm(model.get_parameter(n) - start.get_parameter(n) for n in names)
    before = _norm(start.get_parameter(n) for n in names)
    row["moved"] = change / before if before else change
    row["gradient_share"] = sum(shares.get(name, 0.0) for name in names)
    twin = copy.deepcopy(model)
    with torch.no_grad():
        for name in names:
            twin.get_parameter(name).copy_(start.get_parameter(name))
    row["reset_cost"] = grade(twin) - score
    row["alive"] = row["moved"] > 0.0 and row["gradient_share"] > 0.0
    if not row["alive"]:
        row["note"] = "its parameters " + (
            "never moved" if row["moved"] == 0.0 else "receive no gradient"
        )
    return row


def owners(model: nn.Module, tree: Tree) -> dict[str, str]:
    """Parameter name -> the slot whose part it lives in, the innermost where parts hold parts."""
    kinds = {
        load(find(slot, item["part"])): slot
        for slot in find("model", tree["part"]).slots
        for item in _choices(tree[slot])
    }
    modules = dict(model.named_modules())
    found: dict[str, str] = {}
    for name, _ in model.named_parameters():
        prefix = name
        while prefix and name not in found:
            prefix = prefix.rpartition(".")[0]
            if type(modules[prefix]) in kinds:
                found[name] = kinds[type(modules[prefix])]
    return found


def _choices(choice: Any) -> list[Tree]:
    return choice if isinstance(choice, list) else [choice]


def _gradient_shares(model: nn.Module, probe: Callable[[], Tensor]) -> dict[str, float]:
    loss = probe()
    if not loss.requires_grad:
        return {}
    named = dict(model.named_parameters())
    gradients = torch.autograd.grad(loss, list(named.values()), allow_unused=True)
    squares = {
        name: 0.0 if gradient is None else gradient.double().square().sum().item()
        for name, gradient in zip(named, gradients, strict=True)
    }
    total = sum(squares.values()) or 1.0
    return {name: square / total for name, square in squares.items()}


def _norm(tensors: Any) -> float:
    return sum(tensor.detach().double().square().sum().item() for tensor in tensors) ** 0.5

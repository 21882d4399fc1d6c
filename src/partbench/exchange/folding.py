"""Multipliers folded into weights, so that a layout without a place for them computes the same.

    logits / m         the gain (and shift) of the norm before the head, divided by m
    F(x) / l           the write matrices (and biases) of sublayers, and the gains of norms after
                       them, divided by l
    scale s            queries times s sqrt(d): their matrix and bias, or the gain of their norm
    interleaved pairs  rows of queries and keys (and gains) in the order evens, odds

m and l: `dims.width_ratio` and `dims.depth_ratio` (muP and CompleteP: Yang et al. 2022,
arXiv:2203.03466; Dey et al. 2025, arXiv:2505.01618). Peers leave out 1 / m when they generate, and
so sample at another temperature.
"""

import math
from typing import Any

import torch
from torch import Tensor

from partbench.core.dims import Dims
from partbench.exchange.layout import Tree

KINDS = ("gain", "shift", "excess")


def folded(tree: Tree, weights: dict[str, Tensor], holds_scale: bool) -> tuple[Tree, Any]:
    """The same function as a resolved tree without transfer, and its weights.

    Parts that no fold is known for are left as they are: a layout refuses them by name.
    """
    dims = Dims(**tree["dims"])
    model = dict(tree["model"])
    found = dict(weights)
    if dims.width_ratio != 1:
        _divide_norm(found, "residual.final", dims.width_ratio)
    for i in range(dims.depth):
        if dims.depth_ratio != 1:
            for name in (f"mixers.{i}.output", f"ffns.{i}.down"):
                _times(found, name, ("weight", "bias"), 1 / dims.depth_ratio)
            for sublayer in (2 * i, 2 * i + 1):
                _divide_norm(found, f"residual.afters.{sublayer}", dims.depth_ratio)
    mixers = _laid_out(model["mixer"], dims.depth)
    positions = _laid_out(model["position"], dims.depth)
    for i, (mixer, position) in enumerate(zip(mixers, positions, strict=True)):
        if "scale" in mixer and mixer["part"] == "attention":
            _fold_scale(found, i, mixer, dims, holds_scale)
            if position.get("layout") == "interleaved":
                _fold_layout(found, i, position, dims)
    for position in positions:
        if position.get("layout") == "interleaved" and all(
            mixer["part"] == "attention" for mixer in mixers
        ):
            position["layout"] = "half_split"
    model["mixer"] = mixers
    model["position"] = positions if isinstance(model["position"], list) else positions[0]
    plain = {**tree["dims"], "transfer": "standard"}
    return {**tree, "dims": plain, "model": model}, found


def _laid_out(choice: Any, depth: int) -> list[Tree]:
    items = choice if isinstance(choice, list) else [choice]
    return [dict(items[i % len(items)]) for i in range(depth)]


def _fold_scale(
    weights: dict[str, Tensor], layer: int, mixer: Tree, dims: Dims, holds_scale: bool
) -> None:
    scale = mixer["scale"] or dims.attention_scale
    counted = scale**-2
    if holds_scale and math.isclose(counted, round(counted), rel_tol=1e-9):
        mixer["scale"] = scale
        return
    mixer["scale"] = None
    factor = scale * dims.head_width**0.5
    if math.isclose(factor, 1.0, rel_tol=1e-12):
        return
    if mixer.get("query_key_norm"):
        _divide_norm(weights, f"mixers.{layer}.query_norm", 1 / factor)
    else:
        _times(weights, f"mixers.{layer}.query", ("weight", "bias"), factor)


def _fold_layout(weights: dict[str, Tensor], layer: int, position: Tree, dims: Dims) -> None:
    """Channel 2 i of the turned ones goes to i, channel 2 i + 1 to i + half of them."""
    turned = 2 * int(position["share"] * dims.head_width / 2)
    own = torch.arange(dims.head_width)
    order = torch.cat([own[:turned:2], own[1:turned:2], own[turned:]])
    for name in ("query", "key"):
        for kind in ("weight", "bias"):
            key = f"mixers.{layer}.{name}.{kind}"
            if key in weights:
                rows = weights[key].unflatten(0, (-1, dims.head_width))
                weights[key] = rows[:, order].flatten(0, 1)
        for kind in KINDS:
            key = f"mixers.{layer}.{name}_norm.{kind}"
            if key in weights:
                weights[key] = weights[key][order]


def _times(weights: dict[str, Tensor], owner: str, kinds: tuple[str, ...], factor: float) -> None:
    for kind in kinds:
        if f"{owner}.{kind}" in weights:
            weights[f"{owner}.{kind}"] = weights[f"{owner}.{kind}"] * factor


def _divide_norm(weights: dict[str, Tensor], owner: str, divisor: float) -> None:
    """A norm's gain and shift; a gain that is stored as an excess over 1 stays one."""
    _times(weights, owner, ("gain", "shift"), 1 / divisor)
    if f"{owner}.excess" in weights:
        weights[f"{owner}.excess"] = (1 + weights[f"{owner}.excess"]) / divisor - 1

"""What is asked of every residual part, as checks that a planted bug must fail (T1 to T13)."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from partbench.core import rng
from partbench.core.config import Config
from partbench.core.dims import resolve
from partbench.core.factory import load
from partbench.core.menu import find
from partbench.core.numerics import Numerics
from partbench.models.build import build
from partbench.parts.residual.carries import CARRIES
from partbench.testing import Subject
from partbench.testing.learning import train_briefly
from partbench.testing.subject import gradients, random_batch

BASE = Config({"dims": {"depth": 3, "width": 32, "num_heads": 4, "context": 16}})
BATCH = random_batch("residual suite")

SINGLE: list[dict[str, Any]] = [
    {"part": "layer_scale", "start": 1.0},
    {"part": "laurel", "form": "weights"},
    {"part": "laurel", "form": "low_rank"},
    {"part": "laurel", "form": "both"},
    {"part": "laurel_previous"},
    {"part": "laurel_previous", "last": 2},
    {"part": "orthogonal_parallel"},
    {"part": "value_residual"},
    {"part": "value_embeddings"},
    {"part": "x0_skip"},
    {"part": "unet_skips"},
    {"part": "dense_former"},
    {"part": "dense_former", "dilation": 2, "period": 2},
    {"part": "mudd"},
    {"part": "mudd", "last": 1},
]
"""One stream, starting at pre-norm."""
ELSEWHERE = ["post_norm", "deep_norm", "sandwich", "rezero", "orthogonal", "attention_residuals"]
"""Those that start elsewhere; each has an oracle of its own."""


def several(n: int) -> list[dict[str, Any]]:
    """Every part with n streams (or pieces), under every carry map."""
    carried = [
        {"part": part, "streams": n, "carry": carry}
        for part in ("mhc", "dynamic_mhc")
        for carry in CARRIES
    ]
    return [
        {"part": "hyper_connections", "streams": n},
        {"part": "dynamic_hyper_connections", "streams": n},
        {"part": "dynamic_hyper_connections", "streams": n, "tanh": False},
        {"part": "mhc", "streams": n, "gates": "softmax"},
        {"part": "dynamic_mhc", "streams": n, "gates": "softmax"},
        {"part": "altup", "streams": n},
        {"part": "frac_connections", "pieces": n},
        *carried,
    ]


def name_of(residual: dict[str, Any]) -> str:
    """A test's id."""
    return "-".join(str(value) for value in residual.values())


def model(residual: Any, precision: str = "float64", **edits: Any) -> Any:
    """A fresh model of three layers."""
    numerics = Numerics(precision=precision)  # type: ignore[arg-type]
    tree = BASE.edit({"residual": residual, **edits}).resolved
    return build(tree, vocab=32, seed=0, numerics=numerics)


def bare(residual: dict[str, Any], depth: int = 3, width: int = 8, norm: Any = None) -> Any:
    """The part alone, without norms unless given, in float64."""
    settings = {key: value for key, value in residual.items() if key != "part"}
    dims = resolve(depth=depth, width=width, num_heads=1, context=4, vocab=32)
    norm = norm or (lambda width: nn.Identity())
    kind = load(find("residual", residual["part"]))
    lab = {"dims": dims, "norm": norm}
    given = [lab[name] for name in find("residual", residual["part"]).given]
    return kind(*given, **settings).double()


def run(part: Any, x: Tensor, branch: Callable[[int, Tensor], Tensor], sublayers: int) -> Tensor:
    """The whole trunk."""
    state = part.begin(x)
    for sublayer in range(sublayers):
        u, state = part.read(sublayer, state)
        state = part.write(sublayer, state, branch(sublayer, u))
    return part.end(state)


def draw(*shape: int, name: str = "x") -> Tensor:
    """Standard normal numbers, the same every time."""
    return torch.from_numpy(rng.stream(3, name).standard_normal(shape))


def own(made: Any) -> Iterator[tuple[str, nn.Parameter]]:
    """The residual's parameters that are no norm's."""
    for name, weight in made.residual.named_parameters():
        if not name.endswith(("gain", "shift")):
            yield name, weight


def trained(residual: Any, steps: int, made: Any = None) -> Any:
    """After some optimiser steps."""
    made = model(residual) if made is None else made
    settings = {key: value for key, value in residual.items() if key != "part"}
    train_briefly(Subject("residual", residual["part"], settings), made, steps)
    return made


def starts_at_pre_norm(made: Any, precision: str = "float64") -> None:
    """T1: the same logits as the plain residual; sigmoid gates begin at float32 numbers."""
    with torch.no_grad():
        gap = (made(BATCH.inputs) - model("pre_norm", precision)(BATCH.inputs)).abs().max().item()
    assert gap < (1e-11 if precision == "float64" else 1e-5), f"differs from pre-norm by {gap:.2g}"


def every_number_learns(made: Any) -> None:
    """T6: after two steps each sublayer's numbers get a gradient, none of them exactly zero."""
    slopes = gradients(made, made.score(random_batch("by heart")).mean())
    for name, _ in own(made):
        # The first read sees equal streams, and its norm removes what is left; the last carry
        # is felt by the mean alone, which a matrix whose columns sum to one does not change.
        kept = slopes[f"residual.{name}"]
        rows = kept[1:-1] if len(kept) > 2 else kept
        norms = rows.flatten(1).norm(dim=1) if rows.ndim > 1 else rows.abs()
        assert (norms > 1e-12).all(), f"{name} gets no gradient: {norms.tolist()}"


def every_number_matters(made: Any, size: float = 0.3) -> None:
    """T5: moving the numbers of any sublayer changes what comes out."""
    with torch.no_grad():
        before = made(BATCH.inputs)
        for name, weight in own(made):
            for place in range(1, len(weight) - 1):
                kept = weight[place].clone()
                weight[place] += size * draw(*kept.shape, name=name)
                gap = (made(BATCH.inputs) - before).abs().max().item()
                weight[place] = kept
                assert gap > 1e-5, f"{name}[{place}] changes nothing ({gap:.2g})"


def streams_of(made: Any) -> Tensor:
    """The streams before the head [batch, time, n, width]."""
    states: list[Any] = []
    part = made.residual
    end, part.end = part.end, lambda state: (states.append(state), end(state))[1]
    try:
        with torch.no_grad():
            made(BATCH.inputs)
            return part.streams(states[0])
    finally:
        del part.end


def streams_differ(made: Any) -> None:
    """T6: after ten steps no two streams are equal."""
    found = streams_of(made)
    n = found.shape[2]
    for i in range(n):
        for j in range(i):
            gap = (found[:, :, i] - found[:, :, j]).norm() / found[:, :, i].norm()
            assert gap > 1e-4, f"streams {i} and {j} stayed equal ({gap:.2g})"


def gain_is_that_of_the_carries(part: Any, transposed: bool = False) -> None:
    """T4: with branches of zero the streams are R .. R h, rows forward, whatever R is."""
    _, state = part.read(0, part.begin(draw(2, 3, 8)))
    state = part.write(0, state, draw(2, 3, 8, name="y"))  # until then all streams are equal
    expected = part.streams(state)
    for sublayer in range(1, 6):
        _, state = part.read(sublayer, state)
        carry = part.carry(sublayer, state)
        expected = (carry.mT if transposed else carry) @ expected
        state = part.write(sublayer, state, torch.zeros(2, 3, 8).double())
    gap = (part.streams(state) - expected).abs().max().item()
    assert gap < 1e-10, f"the streams are not those the carries make ({gap:.2g})"

"""The warm start of a SAFFU, from the bottom up, each layer fitted with those below it fixed.

    1  vectors E by frequency            2  W, beta of each attention, through hidden targets
    3  U from F = sum of z^T L_y         4  O from F = sum of [h .. h]^T y

Temperatures of U and O are chosen on windows that share no run of tokens with those fitted on, and
what was held back is then counted too. No random number is drawn (arms "random" and "shuffled" use
what the init part drew). Every pass reads all tokens once; no table of vocab^2 is needed.
Paper: Williams and Zhao 2023, arXiv:2311.07510 and arXiv:2311.07498 (procedure; details are ours).
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from partbench.data.batch import Batch
from partbench.models.near_shallow.hidden_targets import fit_attention
from partbench.parts import cipher
from partbench.parts.apart import Windows, divided, gathered, ranked, whole
from partbench.parts.cooccurrence import Cooccurrence
from partbench.parts.explicit import Evidence, Layer, centred, nll, solve, tempered

if TYPE_CHECKING:
    from partbench.models.near_shallow.saffu import SAFFU


SHARPER = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""Multiples of the hops' own temperatures that are tried, until one is no better."""


SCORED = 1 << 23
"""Logits of held-out text that are looked at together to choose a temperature."""


class Recipe(NamedTuple):
    """Settings of the fit; see the model."""

    vectors: str
    bits: int
    offsets: tuple[int, ...]
    em: int
    alpha: float
    eps: float


def fit(model: "SAFFU", stream: Iterable[Batch]) -> dict[str, Any]:
    """Set every parameter in place; returns temperatures and likelihoods by pass."""
    chunks = list(gathered(stream))
    if not chunks:
        return {}
    recipe, report = model.recipe, dict[str, Any]()
    ranks = ranked(chunks, model.dims.vocab)
    model.vectors.copy_(_vectors(recipe, ranks, chunks, model.vectors))
    if not model.warm:
        return report
    rest, held_out, left = divided(chunks)
    for kind in model.sizes:
        report[f"likelihood {kind}"] = fit_attention(model, kind, rest)
    if model.hops:
        report |= _fit_hops(model, ranks, rest, held_out, left)
    evidence = _evidence(model, rest, model.contexts)
    tau = _temperature(model, evidence, held_out)
    if left:
        evidence.merge(_evidence(model, left, model.contexts))
    _set(model.output.weight, _output(model, evidence, tau))
    return report | {"tau": tau}


def _fit_hops(
    model: "SAFFU",
    ranks: np.ndarray,
    rest: Sequence[Windows],
    held_out: Sequence[Windows],
    left: Sequence[Windows],
) -> dict[str, float]:
    """Set U of every context; returns the temperatures.

    Each is first the best for its own labels, then all are doubled for as long as what comes out
    at the top, O fitted anew each time, gets better on held-out text: labels share bits, so what is
    best for them is too soft for the layer above.
    """
    recipe = model.recipe
    eta = cipher.codes(model.label_bits, model.dims.vocab, "model.label_bits")
    labels = torch.from_numpy(cipher.normalised(eta)[ranks])
    seen = {name: _evidence(model, rest, [name], pooled=True) for name in model.contexts}
    own = dict.fromkeys(model.contexts, 1.0)

    def solve_all(factor: float) -> None:
        for name, evidence in seen.items():
            layer = solve(
                evidence.onto(labels),
                tau=factor * own[name],
                norm=1.0,
                alpha=recipe.alpha,
                eps=recipe.eps,
            )
            _set(model.hop(name).weight, layer)

    best = 1.0
    if held_out:
        for name in model.contexts:
            z, y = _examples(model, held_out, [name], pooled=True)
            own[name] = tempered(
                seen[name].onto(labels), z, labels[y], alpha=recipe.alpha, eps=recipe.eps
            )
        lowest = float("inf")
        for factor in SHARPER:
            solve_all(factor)
            evidence = _evidence(model, rest, model.contexts)
            h, y = _examples(model, held_out, model.contexts)
            layer = _output(model, evidence, _temperature(model, evidence, held_out))
            loss = float(nll(h.double() @ layer.weight.T, y).mean())
            if loss >= lowest:
                break
            best, lowest = factor, loss
        for name in model.contexts:
            seen[name].merge(_evidence(model, left, [name], pooled=True))
    solve_all(best)
    return {f"tau {name}": best * tau for name, tau in own.items()}


def _temperature(model: "SAFFU", evidence: Evidence, held_out: Sequence[Windows]) -> float:
    """tau of O; 1 where nothing is held out."""
    if not held_out:
        return 1.0
    h, y = _examples(model, held_out, model.contexts)
    recipe, blocks = model.recipe, len(model.contexts)
    return tempered(evidence, h, y, blocks=blocks, alpha=recipe.alpha, eps=recipe.eps)


def _output(model: "SAFFU", evidence: Evidence, tau: float) -> Layer:
    recipe, blocks = model.recipe, len(model.contexts)
    return solve(evidence, tau=tau, blocks=blocks, alpha=recipe.alpha, eps=recipe.eps)


def _vectors(recipe: Recipe, ranks: np.ndarray, chunks: Sequence[Windows], drawn: Tensor) -> Tensor:
    """E [vocab + 1, D], float64. drawn: what the init part put there."""
    eta = cipher.normalised(cipher.codes(recipe.bits, len(ranks), "model.bits"))
    if recipe.vectors == "shuffled":
        ranks = drawn[:-1, 0].argsort().cpu().numpy()
    table = eta[ranks]
    if recipe.vectors == "random":
        table = drawn[:-1, 1:].abs().double().cpu().numpy() + 1e-12
        table /= table.sum(1, keepdims=True)
    found = torch.from_numpy(cipher.with_edge(table))
    if recipe.vectors not in ("sum", "cat"):
        return found
    counted = Cooccurrence(found, recipe.offsets)
    for chunk in chunks:
        counted.add(whole(chunk))
    return counted.vectors("sum" if recipe.vectors == "sum" else "cat")


def _features(model: "SAFFU", chunk: Windows, names: list[str], pooled: bool) -> Tensor:
    rows = [
        model.pooled(name, chunk.inputs) if pooled else model.labels(name, chunk.inputs, 0, None)
        for name in names
    ]
    return torch.cat(rows, dim=-1).flatten(0, 1)


def _evidence(
    model: "SAFFU", chunks: Sequence[Windows], names: list[str], pooled: bool = False
) -> Evidence:
    """F of the contexts `names` against the targets; pooled: of z, else of h."""
    found: Evidence | None = None
    for chunk in chunks:
        features = _features(model, chunk, names, pooled).cpu()
        found = found or Evidence(features.shape[1], model.dims.vocab)
        found.add(features, chunk.targets.flatten().long().cpu(), chunk.weights.flatten().cpu())
    assert found is not None
    return found


def _examples(
    model: "SAFFU", chunks: Sequence[Windows], names: list[str], pooled: bool = False
) -> tuple[Tensor, Tensor]:
    """Features and targets of the predictions that count; every n-th where the vocabulary is large.

    A search scores them some 25 times against all tokens.
    """
    features, targets = [], []
    for chunk in chunks:
        counts = chunk.weights.flatten() > 0
        features.append(_features(model, chunk, names, pooled)[counts].cpu())
        targets.append(chunk.targets.flatten()[counts].long().cpu())
    every = 1 + sum(map(len, targets)) * model.dims.vocab // SCORED
    return torch.cat(features)[::every], torch.cat(targets)[::every]


def _set(weight: Tensor, layer: Layer) -> None:
    weight.copy_(centred(layer.weight))

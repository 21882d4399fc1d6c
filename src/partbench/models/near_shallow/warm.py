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
from partbench.parts.explicit import Evidence, Layer, centred, solve, tempered

if TYPE_CHECKING:
    from partbench.models.near_shallow.saffu import SAFFU


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
        eta = cipher.codes(model.label_bits, model.dims.vocab, "model.label_bits")
        labels = torch.from_numpy(cipher.normalised(eta)[ranks])
        for name in model.contexts:
            evidence = _evidence(model, rest, [name], pooled=True)
            tau = 1.0
            if held_out:
                z, y = _examples(model, held_out, [name], pooled=True)
                tau = tempered(
                    evidence.onto(labels), z, labels[y], alpha=recipe.alpha, eps=recipe.eps
                )
                evidence.merge(_evidence(model, left, [name], pooled=True))
            layer = solve(
                evidence.onto(labels), tau=tau, norm=1.0, alpha=recipe.alpha, eps=recipe.eps
            )
            _set(model.hop(name).weight, layer)
            report[f"tau {name}"] = tau
    evidence, tau = _evidence(model, rest, model.contexts), 1.0
    blocks = len(model.contexts)
    if held_out:
        h, y = _examples(model, held_out, model.contexts)
        tau = tempered(evidence, h, y, blocks=blocks, alpha=recipe.alpha, eps=recipe.eps)
        evidence.merge(_evidence(model, left, model.contexts))
    _set(
        model.output.weight,
        solve(evidence, tau=tau, blocks=blocks, alpha=recipe.alpha, eps=recipe.eps),
    )
    report["tau"] = tau
    return report


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
    """Features and targets of every prediction that counts."""
    features, targets = [], []
    for chunk in chunks:
        counts = chunk.weights.flatten() > 0
        features.append(_features(model, chunk, names, pooled)[counts].cpu())
        targets.append(chunk.targets.flatten()[counts].long().cpu())
    return torch.cat(features), torch.cat(targets)


def _set(weight: Tensor, layer: Layer) -> None:
    weight.copy_(centred(layer.weight))

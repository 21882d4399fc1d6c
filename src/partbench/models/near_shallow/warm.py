"""The warm start of a SAFFU, from the bottom up, each layer fitted with those below it fixed.

    1  vectors E by frequency            2  W, beta of each attention, through hidden targets
    3  U from F = sum of z^T L_y         4  O from F = sum of [h .. h]^T y

Temperatures of U and O are chosen on windows that share no run of tokens with those fitted on, and
what was held back is then counted too. No random number is drawn (arms "random" and "shuffled" use
what the init part drew). All text is read twice, for U and for O; what has few parameters, W, beta
and the temperatures of U, is fitted on at most SAMPLE predictions. No table of vocab^2 is needed.
Paper: Williams and Zhao 2023, arXiv:2311.07510 and arXiv:2311.07498 (procedure; details are ours).
"""

import itertools
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from partbench.data.batch import Batch
from partbench.models.near_shallow.caches import unchanged
from partbench.models.near_shallow.hidden_targets import fit_attention
from partbench.parts import cipher, explicit, vectors
from partbench.parts.apart import Windows, divided, gathered, ranked, thinned
from partbench.parts.explicit import Evidence, Layer, centred, nll, solve, tempered

if TYPE_CHECKING:
    from partbench.models.near_shallow.saffu import SAFFU


SHARPER = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""Multiples of the hops' own temperatures that are tried, until one is no better."""


SAMPLE = 1 << 18
"""Predictions on which W, beta and the temperatures of U are fitted: every n-th piece of text."""


class Recipe(NamedTuple):
    """Settings of the fit; see the model."""

    vectors: str
    bits: int
    offsets: tuple[int, ...]
    em: int
    sharpen: bool
    alpha: float
    eps: float


def fit(model: "SAFFU", stream: Iterable[Batch]) -> dict[str, Any]:
    """Set every parameter in place; returns temperatures and likelihoods by pass."""
    chunks = list(gathered(stream))
    if not chunks:
        return {}
    recipe, report = model.recipe, dict[str, Any]()
    ranks = ranked(chunks, model.dims.vocab)
    drawn = model.vectors[:-1]
    model.vectors.copy_(
        vectors.with_edge(
            recipe.vectors, recipe.bits, recipe.offsets, ranks, chunks, drawn, "model.bits"
        )
    )
    model.ranks[:-1].copy_(torch.from_numpy(ranks + 1))
    model.ranks[-1] = 0
    if not model.warm:
        return report
    rest, held_out, left = divided(chunks)
    few = thinned(rest, SAMPLE)
    with unchanged(model.comparisons):
        for kind in model.sizes:
            passes = fit_attention(model, kind, few)
            report[f"likelihood {kind}"] = passes
            report[f"fell {kind}"] = fallen(passes)
        if model.hops:
            report |= _fit_hops(model, ranks, (rest, held_out, left), few)
        with unchanged(*model.values.values()):
            evidence = _evidence(model, rest, model.contexts)
            tau = _temperature(model, evidence, held_out)
            if left:
                evidence.merge(_evidence(model, left, model.contexts))
    _set(model.output.weight, _output(model, evidence, tau))
    return report | {"tau": tau}


def fallen(likelihoods: Sequence[float]) -> list[int]:
    """The passes after which the likelihood was lower: W in closed form is not bound to raise it.

    A pass that lowers it may still help; all passes doing so says that `em` is too many.
    """
    return [i for i, (a, b) in enumerate(itertools.pairwise(likelihoods), 1) if b < a]


def _fit_hops(
    model: "SAFFU",
    ranks: np.ndarray,
    text: tuple[Sequence[Windows], Sequence[Windows], Sequence[Windows]],
    few: Sequence[Windows],
) -> dict[str, float]:
    """Set U of every context; returns the temperatures. text: to fit on, held out, left.

    Each is first the best for its own labels. To sharpen, all are then doubled for as long as what
    comes out at the top, O fitted anew on `few` each time, gets better on held-out text: labels
    share bits, so what is best for them is too soft for the layer above.
    """
    rest, held_out, left = text
    recipe = model.recipe
    eta = cipher.codes(model.label_bits, model.dims.vocab, "model.label_bits")
    labels = torch.from_numpy(cipher.normalised(eta)[ranks]).to(model.vectors)
    seen = {name: _evidence(model, rest, [name], labels) for name in model.contexts}
    own = dict.fromkeys(model.contexts, 1.0)

    def solve_all(factor: float) -> None:
        for name, evidence in seen.items():
            tau = factor * own[name]
            layer = solve(evidence, tau=tau, norm=1.0, alpha=recipe.alpha, eps=recipe.eps)
            _set(model.hop(name).weight, layer)

    best = 1.0
    if held_out:
        for name in model.contexts:
            z, y = _examples(model, held_out, [name], pooled=True)
            own[name] = tempered(seen[name], z, labels[y], alpha=recipe.alpha, eps=recipe.eps)
        lowest = float("inf")
        for factor in SHARPER if recipe.sharpen else ():
            solve_all(factor)
            with unchanged(*model.values.values()):
                evidence = _evidence(model, few, model.contexts)
                h, y = _examples(model, held_out, model.contexts)
                layer = _output(model, evidence, _temperature(model, evidence, held_out))
            loss = float(nll(h.double() @ layer.weight.T, y).mean())
            if loss >= lowest:
                break
            best, lowest = factor, loss
        for name in model.contexts:
            seen[name].merge(_evidence(model, left, [name], labels))
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


def _features(model: "SAFFU", chunk: Windows, names: list[str], pooled: bool) -> Tensor:
    rows = [
        model.pooled(name, chunk.inputs) if pooled else model.labels(name, chunk.inputs, 0, None)
        for name in names
    ]
    return torch.cat(rows, dim=-1).flatten(0, 1)


def _evidence(
    model: "SAFFU", chunks: Sequence[Windows], names: list[str], labels: Tensor | None = None
) -> Evidence:
    """F of the contexts `names`: of h against the targets or, with `labels`, of z against those."""
    found: Evidence | None = None
    for chunk in chunks:
        features = _features(model, chunk, names, labels is not None).cpu()
        classes = model.dims.vocab if labels is None else labels.shape[1]
        found = found or Evidence(features.shape[1], classes)
        y = chunk.targets.flatten().long()
        wanted = y if labels is None else labels[y]
        found.add(features, wanted.cpu(), chunk.weights.flatten().cpu())
    assert found is not None
    return found


def _examples(
    model: "SAFFU", chunks: Sequence[Windows], names: list[str], pooled: bool = False
) -> tuple[Tensor, Tensor]:
    """Features and targets of the predictions that count; fewer where the vocabulary is large."""
    features, targets = [], []
    for chunk in chunks:
        counts = chunk.weights.flatten() > 0
        features.append(_features(model, chunk, names, pooled)[counts].cpu())
        targets.append(chunk.targets.flatten()[counts].long().cpu())
    return explicit.thinned(torch.cat(features), torch.cat(targets), model.dims.vocab)


def _set(weight: Tensor, layer: Layer) -> None:
    weight.copy_(centred(layer.weight))

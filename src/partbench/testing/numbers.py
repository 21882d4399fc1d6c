"""What every model computes: shapes, probabilities, the same bits for the same seed."""

import itertools
from collections.abc import Callable
from functools import cache
from typing import Any

import torch

from partbench.core.numerics import Numerics
from partbench.testing.subject import (
    BATCH,
    CONTEXT,
    VOCAB,
    Subject,
    assert_near,
    gradients,
    random_batch,
)
from partbench.train.process import autocast

WIDE = {"float32": (torch.float32,), "float64": (torch.float32, torch.float64)}


def losses_have_the_shape_of_the_targets(subject: Subject) -> None:
    """One loss a target, float32 or as wide as asked; extra losses are scalars."""
    for precision, dtypes in WIDE.items():
        batch = random_batch("shape")
        score = subject.model(precision).score(batch)
        assert score.nll.shape == score.weights.shape == batch.targets.shape
        assert score.nll.dtype in dtypes, f"{subject}: losses in {score.nll.dtype} at {precision}"
        for name, value in score.extra.items():
            assert value.ndim == 0, f"{subject}: extra loss '{name}' is no scalar"


def the_nll_is_finite_on_random_tokens(subject: Subject) -> None:
    """Fresh or awake, on any tokens, also on those never seen."""
    for awake, seed in itertools.product((False, True), range(3)):
        score = subject.model("float32", awake=awake, seed=seed).score(random_batch("any", seed))
        assert score.nll.isfinite().all(), f"{subject}: a loss is not finite (awake: {awake})"
        assert all(value.isfinite() for value in score.extra.values())


@torch.no_grad()
def probabilities_sum_to_one(subject: Subject) -> None:
    """exp(-nll), summed over every token that could have been the target, is 1."""
    model, batch = subject.model(), random_batch("sum")
    total = torch.zeros(batch.targets.shape, dtype=torch.float64)
    for token in range(VOCAB):
        targets = torch.full_like(batch.targets, token)
        total += model.score(batch._replace(targets=targets)).nll.double().neg().exp()
    assert_near(total, torch.ones_like(total), 1e-5, f"{subject}: sum of probabilities")


def the_same_seed_gives_the_same_bits(subject: Subject) -> None:
    """Whatever was drawn, built or run before."""
    batch = random_batch("bits")
    first = subject.model("float32").score(batch)
    torch.rand(7)
    subject.model("float32", seed=5).score(random_batch("other"))
    second = subject.model("float32").score(batch)
    assert torch.equal(first.nll, second.nll), f"{subject}: two runs of one seed differ"
    for name, value in first.extra.items():
        assert torch.equal(value, second.extra[name]), f"{subject}: extra loss '{name}' differs"


def scoring_twice_gives_the_same_bits(subject: Subject) -> None:
    """A model keeps nothing from one batch to the next and draws nothing."""
    model, batch = subject.model("float32"), random_batch("bits")
    first = model.score(batch).nll
    model.score(random_batch("other"))
    assert torch.equal(first, model.score(batch).nll), f"{subject}: a score changes what follows"


def its_flops_are_a_whole_number(subject: Subject) -> None:
    """Of one sequence, forward; counted against torch elsewhere."""
    flops = subject.model().flops()
    assert type(flops) is int, f"{subject}: flops() gives {type(flops).__name__}"
    assert flops > 0, f"{subject}: flops() is {flops}"


@torch.no_grad()
def logits_have_one_row_a_token(subject: Subject) -> None:
    """[batch, time, vocab], also for shorter sequences and a single one."""
    for precision, dtypes in WIDE.items():
        model, tokens = subject.model(precision), random_batch("shape").inputs
        for piece in (tokens, tokens[:1], tokens[:, :5], tokens[:, :1]):
            logits = model(piece)
            assert logits.shape == (*piece.shape, VOCAB)
            assert logits.dtype in dtypes, f"{subject}: logits in {logits.dtype} at {precision}"


def the_nll_is_the_cross_entropy_of_the_logits(subject: Subject) -> None:
    """lse(z) - z[target], though `score` may never hold all logits."""
    model, batch = subject.model(), random_batch("nll")
    with torch.no_grad():
        logits, nll = model(batch.inputs), model.score(batch).nll
    expected = torch.nn.functional.cross_entropy(
        logits.double().flatten(0, 1), batch.targets.flatten(), reduction="none"
    ).view(BATCH, CONTEXT)
    tolerance = 1e-10 if nll.dtype == logits.dtype == torch.float64 else 1e-5
    assert_near(nll.double(), expected, tolerance, f"{subject}: nll against its logits")


def explicit_attention_equals_fused(subject: Subject) -> None:
    """The paths `numerics` may choose give one function: losses and gradients."""
    for precision, tolerance in (("float64", 1e-11), ("float32", 1e-4)):
        found = []
        for attention in ("fused", "explicit", "halves"):
            model = subject.model(precision, attention)
            loss = model.score(random_batch("paths")).nll
            found.append((loss, gradients(model, loss.mean())))
        (one, slopes), *rest = found
        for other, others in rest:
            assert_near(one, other, tolerance, f"{subject}: {precision} losses")
            for name, slope in slopes.items():
                assert_near(
                    slope, others[name], tolerance, f"{subject}: {precision} gradient of {name}"
                )


def bfloat16_stays_near_float32(subject: Subject) -> None:
    """Losses under bfloat16 products: at most twice as far off as the default model's."""
    base, own = rounding_by_default("bfloat16"), rounding(subject, "bfloat16")
    # One flipped hard choice (a router's) rules the mean and leaves the median; bad sums move both.
    assert own[0] <= 2 * base[0] or own[1] <= 2 * base[1], (
        f"{subject}: (rms, median) error {own} in bfloat16, the default's {base}"
    )


@cache
def rounding_by_default(precision: str) -> tuple[float, float]:
    """The same of the default model."""
    return rounding(Subject("model", "transformer"), precision)


@torch.no_grad()
def rounding(subject: Subject, precision: Any) -> tuple[float, float]:
    """Error of the losses against float64: root mean square and median, over two seeds."""
    how, errors = Numerics(precision=precision, attention="explicit"), []
    for seed in range(2):
        batch = random_batch("bfloat16", seed)
        exact = subject.model("float64", "explicit", seed=seed).eval().score(batch).nll
        model = subject.model(precision, "explicit", seed=seed).eval()
        with autocast(how):
            errors.append(model.score(batch).nll.double() - exact)
    error = torch.cat(errors)
    return error.square().mean().sqrt().item(), error.abs().median().item()


ALWAYS: list[Callable[[Subject], None]] = [
    losses_have_the_shape_of_the_targets,
    the_nll_is_finite_on_random_tokens,
    probabilities_sum_to_one,
    the_same_seed_gives_the_same_bits,
    scoring_twice_gives_the_same_bits,
    its_flops_are_a_whole_number,
]
WITH_LOGITS: list[Callable[[Subject], None]] = [
    logits_have_one_row_a_token,
    the_nll_is_the_cross_entropy_of_the_logits,
]
WITH_GRADIENTS: list[Callable[[Subject], None]] = [
    explicit_attention_equals_fused,
    bfloat16_stays_near_float32,
]

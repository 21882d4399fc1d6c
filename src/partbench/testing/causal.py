"""Who may see what: no position its future, no sequence its neighbours, in values and gradients."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from partbench.core.errors import InputError
from partbench.data.batch import Batch
from partbench.testing.subject import (
    BATCH,
    CONTEXT,
    VOCAB,
    Subject,
    assert_near,
    gradients,
    largest_gap,
    random_batch,
    steadily,
)


def the_future_cannot_leak(subject: Subject) -> None:
    """Other tokens from position t on leave every loss before t as it was."""
    gap, sees = future_gap(subject)
    assert gap <= 1e-12, f"{subject}: losses before the change differ by {gap:.3g}"
    assert sees, f"{subject}: sees no token at all"


@torch.no_grad()
def future_gap(subject: Subject) -> tuple[float, bool]:
    """How far later tokens move earlier losses at most; whether they move their own at all."""
    model, batch = subject.model(), random_batch("future")
    before, gap, sees = steadily(model, batch).nll, 0.0, True
    for first in (1, 7, CONTEXT - 1):
        after = steadily(model, _changed(batch, slice(None), slice(first, None))).nll
        gap = max(gap, largest_gap(before[:, :first], after[:, :first]))
        sees = sees and not torch.equal(before[:, first:], after[:, first:])
    return gap, sees


def batch_rows_do_not_mix(subject: Subject) -> None:
    """Another sequence beside it leaves a sequence's losses as they were."""
    beside, company, wide = row_gaps(subject)
    assert beside <= 1e-12, f"{subject}: losses beside another sequence differ by {beside:.3g}"
    tolerance = 1e-10 if wide else 1e-5
    assert company <= tolerance, f"{subject}: losses with and without company: {company:.3g}"


@torch.no_grad()
def row_gaps(subject: Subject) -> tuple[float, float, bool]:
    """How far another sequence beside it moves a sequence's losses; how far being alone does.

    And whether the losses are float64, so that the second should be nothing but its rounding.
    """
    model, batch = subject.model(), random_batch("rows")
    before = steadily(model, batch).nll
    after = steadily(model, _changed(batch, slice(1, 2), slice(None))).nll
    beside = largest_gap(before[::2], after[::2])
    model.eval()  # other shapes draw other numbers
    before, alone = model.score(batch).nll, model.score(Batch(*(item[:1] for item in batch))).nll
    return beside, largest_gap(before[:1], alone), alone.dtype == torch.float64


@torch.no_grad()
def a_prefix_has_the_same_logits(subject: Subject) -> None:
    """Nothing depends on how long the sequence will be."""
    model, tokens = subject.model(), random_batch("prefix").inputs
    logits = model(tokens)
    tolerance = 1e-10 if logits.dtype == torch.float64 else 1e-5
    for length in (1, 7):
        assert_near(
            logits[:, :length], model(tokens[:, :length]), tolerance, f"{subject}: {length}"
        )


def no_gradient_comes_from_the_future(subject: Subject) -> None:
    """Early losses pull every parameter the same way, whatever follows or stands beside."""
    for (name, way), gap in slope_gaps(subject).items():
        assert gap <= 1e-11, f"{subject}: gradient of {name}, other {way}: differs by {gap:.3g}"


def slope_gaps(subject: Subject) -> dict[tuple[str, str], float]:
    """How far another future, or other neighbours, move the gradient of early losses.

    (parameter, "future" or "neighbours") -> the largest difference.
    """
    model, batch = subject.model(), random_batch("gradient")

    def slopes(changed: Batch) -> dict[str, Tensor]:
        return gradients(model, steadily(model, changed).nll[:1, :7].sum())

    before = slopes(batch)
    others = {
        "future": slopes(_changed(batch, slice(None), slice(7, None))),
        "neighbours": slopes(_changed(batch, slice(1, None), slice(None))),
    }
    return {
        (name, way): largest_gap(slope, after[name])
        for way, after in others.items()
        for name, slope in before.items()
    }


@torch.no_grad()
def step_equals_forward(subject: Subject) -> None:
    """Token by token, in two pieces or three, or all at once: the same logits."""
    for precision, tolerance in (("float64", 1e-10), ("float32", 1e-4)):
        for attention in ("fused", "explicit"):
            gaps, dtype = step_gaps(subject, precision, attention)
            allowed = tolerance if dtype == torch.float64 else 1e-4
            for pieces, gap in gaps.items():
                assert gap <= allowed, (
                    f"{subject}: step against forward, {precision}, {attention}, cut "
                    f"{list(pieces)}: differ by {gap:.3g}, allowed {allowed:.3g}"
                )


@torch.no_grad()
def step_gaps(
    subject: Subject, precision: str, attention: str
) -> tuple[dict[tuple[int, ...], float], torch.dtype]:
    """For several ways to cut a sequence, how far decoding is from the whole pass; its type."""
    model, tokens = subject.model(precision, attention).eval(), random_batch("step").inputs
    whole = model(tokens)
    gaps = {
        pieces: largest_gap(torch.cat(list(_decode(model, tokens, list(pieces))), dim=1), whole)
        for pieces in ((1,) * CONTEXT, (5, CONTEXT - 5), (4, 1, CONTEXT - 5), (CONTEXT,))
    }
    return gaps, whole.dtype


@torch.no_grad()
def decoding_keeps_sequences_apart(subject: Subject) -> None:
    """Two decodings in turn do not disturb each other; nothing is kept on the model."""
    model = subject.model()
    one, other = random_batch("one").inputs, random_batch("other").inputs
    alone = list(_decode(model, one, [1] * CONTEXT))
    first, second = _decode(model, one, [1] * CONTEXT), _decode(model, other, [1] * CONTEXT)
    for expected, (found, _) in zip(alone, zip(first, second, strict=True), strict=True):
        assert_near(found, expected, 0.0, f"{subject}: decoding beside another")


@torch.no_grad()
def steps_beyond_the_end_are_refused(subject: Subject) -> None:
    """A model whose positions end says so in one line, before it computes."""
    model = subject.model()
    longest = getattr(getattr(model, "position", None), "longest", None)
    if longest is None:
        # No end: twice the trained length must then work.
        logits, _ = model.step(torch.zeros(1, 2 * CONTEXT).long(), model.begin(1, 2 * CONTEXT))
        assert logits.isfinite().all(), f"{subject}: not finite beyond the trained length"
        return
    too_many = torch.zeros(1, longest + 1).long()
    for call in (lambda: model.begin(1, longest + 1), lambda: model(too_many)):
        said = None
        try:
            call()
        except InputError as error:
            said = str(error)
        assert said is not None, f"{subject}: took {longest + 1} tokens, `longest` is {longest}"
        assert str(longest) in said, f"{subject}: the error does not name the limit"


def _decode(model: Any, tokens: Tensor, pieces: list[int]) -> Iterator[Tensor]:
    state = model.begin(BATCH, CONTEXT)
    for piece in tokens.split(pieces, dim=1):
        logits, state = model.step(piece, state)
        yield logits


def _changed(batch: Batch, rows: slice, times: slice) -> Batch:
    """The same batch with every token of some rows and times another one."""
    inputs, targets = batch.inputs.clone(), batch.targets.clone()
    inputs[rows, times] = (inputs[rows, times] + 7) % VOCAB
    targets[rows, times] = (targets[rows, times] + 11) % VOCAB
    return Batch(inputs, targets, batch.weights)


ALWAYS: list[Callable[[Subject], None]] = [the_future_cannot_leak, batch_rows_do_not_mix]
WITH_LOGITS: list[Callable[[Subject], None]] = [a_prefix_has_the_same_logits]
WITH_STEP: list[Callable[[Subject], None]] = [
    step_equals_forward,
    decoding_keeps_sequences_apart,
    steps_beyond_the_end_are_refused,
]
WITH_GRADIENTS: list[Callable[[Subject], None]] = [no_gradient_comes_from_the_future]

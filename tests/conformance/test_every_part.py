"""Every entry of every slot keeps every promise. A new part is checked without a new line here."""

from collections.abc import Iterator
from typing import Any

import pytest

from partbench.core import menu
from partbench.testing import Check, Subject, card, checks, variants

BUGS = {
    "residual=orthogonal_parallel,mode=notebook": {
        "explicit_attention_equals_fused",
        "bfloat16_stays_near_float32",
        "gradients_are_those_of_finite_differences",
    }
}
"""Promises that a part breaks because it copies a published bug: division by a sum near zero."""


LATE = {
    "one_batch_is_learned_by_heart",
    "two_runs_learn_the_same_bits",
    "probabilities_sum_to_one",
    "explicit_attention_equals_fused",
    "step_equals_forward",
    "bfloat16_stays_near_float32",
    "gradients_are_those_of_finite_differences",
    "the_same_seed_gives_the_same_bits",
    "decoding_keeps_sequences_apart",
    "padding_on_the_left_changes_nothing",
    "the_nll_is_finite_on_random_tokens",
    "the_nll_is_the_cross_entropy_of_the_logits",
    "steps_beyond_the_end_are_refused",
}
"""The longer promises wait for `make slow`, as does every part with a setting changed."""


def pairs() -> Iterator[Any]:
    """Every part at its defaults and with each switch turned; nothing that was checked already."""
    done: set[tuple[str, str]] = set()
    for slot in menu.SLOTS:
        for subject in [s for name in menu.names(slot) for s in variants(slot, name)]:
            for check in checks(slot, subject.name):
                of_the_card = check in card.ALWAYS + card.COSTED
                what = subject.name if of_the_card else subject.config.fingerprint
                if (what, check.__name__) not in done:
                    done.add((what, check.__name__))
                    late = subject.settings or check.__name__ in LATE
                    marks = [pytest.mark.slow] if late else []
                    if check.__name__ in BUGS.get(str(subject), ()):
                        marks.append(pytest.mark.xfail(reason="bug compatible, see its card"))
                    yield pytest.param(
                        subject, check, id=f"{subject}-{check.__name__}", marks=marks
                    )


@pytest.mark.parametrize(("subject", "check"), list(pairs()))
def test_the_part_keeps_its_promise(subject: Subject, check: Check) -> None:
    check(subject)

"""Every entry of every slot keeps every promise. A new part is checked without a new line here."""

from collections.abc import Iterator
from typing import Any

import pytest

from partbench.core import menu
from partbench.testing import Check, Subject, card, checks, variants
from partbench.testing.learning import one_batch_is_learned_by_heart


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
                    late = subject.settings and (
                        slot == "task" or check is one_batch_is_learned_by_heart
                    )
                    marks = [pytest.mark.slow] if late else []
                    yield pytest.param(
                        subject, check, id=f"{subject}-{check.__name__}", marks=marks
                    )


@pytest.mark.parametrize(("subject", "check"), list(pairs()))
def test_the_part_keeps_its_promise(subject: Subject, check: Check) -> None:
    check(subject)

"""Every part that ships passes its audit, or its warning is explained here."""

from collections.abc import Iterator
from typing import Any

import pytest

from partbench.core import menu
from partbench.testing import Subject
from partbench.testing.audit import audit
from partbench.testing.audit.asked import AUDITED, BESIDE

pytestmark = pytest.mark.slow

EXPLAINED: dict[tuple[str, str], str] = {
    ("init=fan_in", "growth"): (
        "it is meant for convolutions without norms: every matrix, those that write too, keeps the "
        "size of what it reads, so what layers write adds up over depth"
    ),
    ("init=fan_in", "rounding"): "its larger starting values round by as much more",
    ("mixer=mamba2", "growth"): (
        "its own norm before the output map lets it write as much as its maps are drawn for, "
        "whatever it reads; the gradient by the first sublayer's answer then grows with depth"
    ),
}
"""(part, check) -> why the warning is right and the part is as it should be."""


def subjects() -> Iterator[Any]:
    """Every part at its defaults, each model but once."""
    done = set()
    for slot in AUDITED:
        for name in menu.names(slot):
            subject = Subject(slot, name, {}, BESIDE.get(slot, {}))
            if subject.config.fingerprint not in done:
                done.add(subject.config.fingerprint)
                yield pytest.param(subject, id=str(subject))


@pytest.mark.parametrize("subject", list(subjects()))
def test_a_part_of_the_shelf_passes_or_its_warning_is_explained(subject: Subject) -> None:
    rows = {row.check: row for row in audit(subject) if row.verdict != "pass"}
    expected = {check for part, check in EXPLAINED if part == str(subject)}
    assert set(rows) == expected, list(rows.values())
    assert all(row.verdict == "warn" for row in rows.values())

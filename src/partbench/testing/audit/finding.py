"""What one check of the audit found: a number, how far it may go, a verdict and what to do."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from partbench.testing.subject import Subject

Verdict = Literal["pass", "warn", "fail"]
ORDER: tuple[Verdict, ...] = ("pass", "warn", "fail")


@dataclass(frozen=True)
class Finding:
    """One row of the audit.

    check: its name. found: what was seen, in words. number: what was measured; limit: how far a
    pass may go (None: the check only informs). advice: what to do, empty where nothing is wrong.
    """

    check: str
    found: str
    number: float | None
    limit: float | None
    verdict: Verdict
    advice: str = ""

    def tree(self) -> dict[str, Any]:
        """For JSON, which has no word for infinity."""
        values = asdict(self)
        if self.number is not None and not math.isfinite(self.number):
            values["number"] = None
        return values


Check = Callable[[Subject], Finding | None]
"""None where the check has nothing to look at: a model that does not decode, a single stream."""


def graded(
    check: str,
    found: str,
    number: float,
    *,
    limit: float,
    worst: float | None = None,
    advice: str,
) -> Finding:
    """Pass up to `limit`, warn up to `worst` (by default never), fail beyond; not a number fails.

    The advice is given where it did not pass.
    """
    verdict: Verdict = "fail"
    if number <= limit:
        verdict = "pass"
    elif worst is not None and number <= worst:
        verdict = "warn"
    return Finding(check, found, number, limit, verdict, "" if verdict == "pass" else advice)

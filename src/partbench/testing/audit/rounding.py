"""How much is lost in bfloat16 and in float32, beside what the default model loses?

Measured: error of the losses against float64 on the same shaken weights, two seeds, as a multiple
of the default model's; rms and median, the smaller multiple (one flipped choice of a router rules
the rms and leaves the median, bad sums move both). An error below 1e-5 nats counts as 1e-5, which
no margin asks about. Limit 2, a failure from 20 on or where a loss is no number: sums of bfloat16
products, coefficients rounded at every sublayer, differences of nearly equal numbers, division by
what is near zero. Source of the limit: T9 of the residual tests.
"""

import math

from partbench.testing.audit.finding import Finding, graded
from partbench.testing.audit.kinds import trains
from partbench.testing.numbers import rounding, rounding_by_default
from partbench.testing.subject import Subject

LEAST = 1e-5


def rounding_error(subject: Subject) -> Finding | None:
    """The worse of the two precisions."""
    if not trains(subject):
        return None
    found, number = "", 0.0
    for precision in ("bfloat16", "float32"):
        pairs = zip(rounding(subject, precision), rounding_by_default(precision), strict=True)
        ratio = min(max(own, LEAST) / max(base, LEAST) if own == own else math.inf
                    for own, base in pairs)  # fmt: skip
        if ratio >= number:
            number = ratio
            found = f"{precision} loses {ratio:.1f} times what the default does (1e-5 at least)"
    return graded(
        "rounding",
        found,
        number,
        limit=2.0,
        worst=20.0,
        advice="keep coefficients, sums and norms in float32; divide by nothing near zero",
    )

"""Does any position see its future, in values or in gradients?

Measured: other tokens from position 1, 7 and 15 on, and how far any loss before them moves; then
how far the gradient of the first seven losses of one sequence moves when what follows them does.
Limit 1e-12 (values) and 1e-11 (gradients) in float64: the same sums in the same order are bit
equal, so anything above is a path from the future. Trap: top-left alignment of causal masks, a
window off by one, norms over time (transformer_pp, section 2).
"""

from partbench.testing.audit.finding import Finding, graded
from partbench.testing.audit.kinds import trains
from partbench.testing.causal import future_gap, slope_gaps
from partbench.testing.subject import Subject

ADVICE = "mask what comes later (key j only for j <= t), and take no statistic over time"


def future_leak(subject: Subject) -> Finding:
    """Values: later tokens against earlier losses."""
    gap, sees = future_gap(subject)
    if not sees:
        return Finding(
            "future leak", "no token moves any loss", gap, 1e-12, "fail", "use the input"
        )
    found = "earlier losses stay" if gap <= 1e-12 else "earlier losses move with later tokens"
    return graded("future leak", found, gap, limit=1e-12, worst=1e-9, advice=ADVICE)


def future_gradient(subject: Subject) -> Finding | None:
    """Gradients: a later token, or a neighbour, in the derivative of earlier losses."""
    if not trains(subject):
        return None
    gaps = slope_gaps(subject)
    (name, way), gap = max(gaps.items(), key=lambda item: item[1])
    found = f"gradient of {name} moves with the {way}" if gap > 1e-11 else "earlier slopes stay"
    return graded(
        "future in gradients",
        found,
        gap,
        limit=1e-11,
        worst=1e-8,
        advice="look for detach() around something that cancels in the forward pass only",
    )

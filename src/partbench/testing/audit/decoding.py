"""Does decoding from a cache give what the whole pass gives, however the text is cut?

Measured: largest difference of logits between one pass over 16 tokens and steps of 1, of 5 and 11,
of 4, 1 and 11, and of all at once; fused and explicit attention, float64. Limit 1e-10; up to 1e-4 a
warning: then something on the way rounds to float32. Beyond, generated text is not the trained
model's (positions that begin again, masks aligned top-left, a statistic over what is visible).
"""

from partbench.testing.audit.finding import Finding, graded
from partbench.testing.audit.kinds import decodes
from partbench.testing.causal import step_gaps
from partbench.testing.subject import Subject


def cached_decoding(subject: Subject) -> Finding | None:
    """The worst cut on the worse path."""
    if not decodes(subject):
        return None
    gap, how = 0.0, ""
    for attention in ("fused", "explicit"):
        for pieces, one in step_gaps(subject, "float64", attention)[0].items():
            if one > gap:
                gap, how = one, f"cut {'+'.join(map(str, pieces))}, {attention}"
    found = "equals the whole pass" if gap <= 1e-10 else f"differs from the whole pass: {how}"
    return graded(
        "cached decoding",
        found,
        gap,
        limit=1e-10,
        worst=1e-4,
        advice="what a position gives may depend on flow.positions and the past, on nothing else"
        if gap > 1e-4
        else "something rounds to float32: keep the model's own type where it is wider",
    )

"""Do the sequences of a batch influence each other?

Measured: one of three sequences is exchanged, and how far the losses of the others move (limit
1e-12, as above); then a sequence by itself against itself in company (limit 1e-10 in float64, 1e-5
where the part computes in float32: other shapes sum in another order). Batch statistics, expert
capacity and a state kept on the module do this.
"""

from partbench.testing.audit.finding import Finding, graded
from partbench.testing.causal import row_gaps
from partbench.testing.subject import Subject


def batch_leak(subject: Subject) -> Finding:
    """The larger of the two, against its limit."""
    beside, company, wide = row_gaps(subject)
    limit = 1e-10 if wide else 1e-5
    advice = "take no statistic over the batch, keep nothing between batches"
    if beside > 1e-12:
        found = "a sequence's losses move with its neighbours"
        return graded("batch leak", found, beside, limit=1e-12, worst=1e-9, advice=advice)
    found = "rows are apart" if company <= limit else "losses depend on how many sequences there are"
    # A part that rounds to float32 on its way sums in another order: no leak.
    return graded("batch leak", found, company, limit=limit, worst=1e-5, advice=advice)

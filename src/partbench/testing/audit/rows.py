"""Do the sequences of a batch influence each other?

Measured: one of three sequences is exchanged, and how far the losses of the others move (limit
1e-12: the same sums in the same order); then a sequence by itself against itself in company (limit
1e-5: other shapes sum in another order, and a part may do so in float32). Batch statistics, expert
capacity and a state kept on the module do this.
"""

from partbench.testing.audit.finding import Finding, graded
from partbench.testing.causal import row_gaps
from partbench.testing.subject import Subject


def batch_leak(subject: Subject) -> Finding:
    """The larger of the two, against its limit."""
    beside, company, _ = row_gaps(subject)
    limit = 1e-5
    advice = "take no statistic over the batch, keep nothing between batches"
    if beside > 1e-12:
        found = "a sequence's losses move with its neighbours"
        return graded("batch leak", found, beside, limit=1e-12, worst=1e-9, advice=advice)
    found = (
        "rows are apart" if company <= limit else "losses depend on how many sequences there are"
    )
    return graded("batch leak", found, company, limit=limit, advice=advice)

"""The table of answers: how often right and how sure, of base and arm, beside the score."""

from partbench.report import quantities, tables

MEANINGS = {
    "error_rate": ("error rate", "share of answers that are wrong"),
    "confidence": ("confidence", "probability of the likeliest answer, on average"),
    "overconfidence": ("overconfidence", "confidence less the share that is right"),
    "calibration_error": ("calibration error", "the same in 15 bins of confidence, without sign"),
}
DIGITS = 4


def answers(arm: dict) -> tables.Table:
    """A row a measure; no rows where the records say nothing of answers."""
    rows = [
        (
            MEANINGS[row["measure"]][0],
            quantities.score(row.get("base"), DIGITS),
            quantities.score(row.get("arm"), DIGITS),
            tables.estimate(row, DIGITS),
            MEANINGS[row["measure"]][1],
        )
        for row in arm.get("answers") or []
    ]
    headings = ("measure", "base", "arm", "arm - base [95 %]", "meaning")
    return tables.Table("Right and sure (looked at, not judged)", headings, rows, (1, 2, 3))

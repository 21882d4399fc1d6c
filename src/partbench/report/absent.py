"""What a report leaves out: what a study of outside runs cannot know is absent, not unknown.

The tree's `kind` says where its runs come from: "commands" (partbench verdict), "table"
(partbench compare --from); without one they are our own trainer's.
"""

import dataclasses
from collections.abc import Iterable
from typing import Any

ONLY_OURS = ("at equal seconds", "compute multiplier")
"""Rows of the verdict's numbers that need the slope of the base's own curve."""


def ours(report: dict) -> bool:
    """Say whether our own trainer made the runs."""
    return report.get("kind") is None


def without_columns(made: Any, columns: Iterable[int]) -> Any:
    """Leave columns out of a table."""
    kept = [place for place in range(len(made.headings)) if place not in set(columns)]
    return dataclasses.replace(
        made,
        headings=tuple(made.headings[place] for place in kept),
        rows=[tuple(row[place] for place in kept) for row in made.rows],
        numeric=tuple(kept.index(place) for place in made.numeric if place in kept),
    )


def test(verdict: dict) -> str:
    """Name the test behind a verdict."""
    method = verdict.get("method") or "paired t"
    return f"{method}-test" if method.endswith(" t") else method


def averaged(verdict: dict) -> str:
    """Say what was made of the differences: their mean, or where runs diverged their median."""
    return "median" if verdict.get("method") == "sign test" else "mean"


def plan(report: dict) -> str:
    """Say on what plan runs were bought that exist already; nothing for declared looks."""
    return (report.get("design") or {}).get("plan") or ""


def declared(report: dict) -> str:
    """Say when the margin was chosen: of runs that existed before, nobody here can know."""
    if report.get("kind") == "table":
        return "given when this was made; whether it was chosen before the runs is not known"
    return "declared before the runs"


def diff_note(report: dict) -> str:
    """Say what the table of differences holds."""
    if ours(report):
        return (
            "These are all the settings in which the two differ. A dash means that the setting "
            "does not exist there."
        )
    return (
        "These are all the words in which the two commands differ. What a word changes in the "
        "trainer is not seen here."
    )


def origins(report: dict, rows: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Leave out of a report's origins what its runs cannot tell, and say where they come from."""
    if ours(report):
        return rows
    source, totals = report.get("provenance") or {}, report.get("totals") or {}
    gone = {"numerics", "corpus", "corpus SHA-256", "tokens trained on"}
    if not source.get("machine"):  # a table of runs says nothing of where they were made
        gone |= {"machine", "declared"}
    if "seconds" not in totals:
        gone |= {"computing time"}
    return [*(row for row in rows if row[0] not in gone), ("code", source.get("source") or "")]

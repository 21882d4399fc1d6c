"""What a report says of outside commands beside its verdicts: costs, notes, totals, origins."""

import platform
from typing import Any

from partbench import __version__
from partbench.measure import machine
from partbench.study.outside import words
from partbench.study.outside.outcomes import Outcome, Outcomes
from partbench.study.outside.question import Question
from partbench.study.outside.runs import Run

Tree = dict[str, Any]


def base_config(question: Question) -> Tree:
    """The base, and how its number is read."""
    return {
        "command": question.command("base").text,
        "metric": question.metric.option,
        "better": "higher" if question.higher else "lower",
        "margin": question.margin,
    }


def costs(row: list[Outcome | None]) -> Tree:
    """Mean seconds a run; None before any run has ended."""
    ended = [o.seconds for o in row if o is not None and o.status != "failed"]
    return {"seconds_per_run": sum(ended) / len(ended) if ended else None}


def notes(
    question: Question, declared: Tree, outcomes: Outcomes, arms: list[Tree], seeds: list[int]
) -> list[str]:
    """What a reader must know beside the verdicts, in plain sentences."""
    found = [
        words.about_pairs(arm["name"], arm["verdict"].get("correlation"))
        for arm in arms
        if arm["verdict"].get("pairs", 0) >= 4
    ]
    found += [_seen_before(question, set(declared["known"]), arm["name"], seeds) for arm in arms]
    known = [o for name in question.names for o in outcomes.row(name, seeds) if o is not None]
    crowd = max((outcome.at_once for outcome in known), default=1)
    if crowd > 1:
        found.append(
            f"Up to {crowd} runs shared this machine, so their times are not those of a run "
            f"alone; --at-once 1 measures them."
        )
    return [note for note in found if note]


def _seen_before(question: Question, known: set[str], name: str, seeds: list[int]) -> str | None:
    """Pairs that had been run when the study was declared: somebody may have looked at them.

    Runs of the base alone are no such thing: they are what the next idea saves.
    """
    pairs = [
        seed
        for seed in seeds
        if {question.run("base", seed).id, question.run(name, seed).id} <= known
    ]
    if not pairs:
        return None
    many = "1 pair had" if len(pairs) == 1 else f"{len(pairs)} pairs had"
    return (
        f"{name}: {many} been run before this study was declared. If its margin, looks or metric "
        f"were chosen after a look at them, its error is larger than it says; --first-seed "
        f"{max(pairs) + 1} begins on fresh pairs."
    )


def totals(question: Question, declared: Tree, outcomes: Outcomes, seeds: list[int]) -> Tree:
    """Runs, and the seconds that this study had to pay for."""
    rows = _rows(question, outcomes, seeds)
    known = set(declared["known"])
    fresh = [outcome for _, _, run, outcome in rows if run.id not in known]
    return {
        "cells": len(rows),
        "cells_reused": len(rows) - len(fresh),
        "seconds": sum(outcome.seconds for outcome in fresh),
    }


def provenance(question: Question, declared: Tree, outcomes: Outcomes, seeds: list[int]) -> Tree:
    """Versions, machine, state of the code and the list of all runs."""
    known = set(declared["known"])
    return {
        "partbench": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": machine.describe(),
        "source": question.source.text,
        "cells": [
            {
                "id": run.id,
                "arm": name,
                "seed": seed,
                "status": outcome.status,
                "seconds": outcome.seconds,
                "reused": run.id in known,
            }
            for name, seed, run, outcome in _rows(question, outcomes, seeds)
        ],
    }


def _rows(
    question: Question, outcomes: Outcomes, seeds: list[int]
) -> list[tuple[str, int, Run, Outcome]]:
    return [
        (name, seed, question.run(name, seed), outcome)
        for seed in seeds
        for name in question.names
        if (outcome := outcomes.of(name, seed)) is not None
    ]

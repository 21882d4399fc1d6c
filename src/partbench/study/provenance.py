"""Where a report comes from: every cell, what it cost to find out, versions, machine, text."""

import platform
from typing import Any

from partbench import __version__
from partbench.core.cell import Cell
from partbench.data.corpora import open_corpus
from partbench.measure import machine
from partbench.study.ledger import Halves, Records
from partbench.study.plan import half_budget, tokens
from partbench.study.spec import Study

Tree = dict[str, Any]


def _cells(study: Study, records: Records, halves: Halves) -> list[tuple[str, int, Cell, Tree]]:
    half = half_budget(study.base)
    rows = [
        (arm, seed, study.cell(study.everyone[arm], seed), record)
        for (arm, seed), record in records.items()
        if record
    ]
    return rows + [
        ("base, half budget", seed, study.cell(half, seed), record)
        for seed, record in halves.items()
        if record
    ]


def totals(study: Study, declared: Tree, records: Records, halves: Halves) -> Tree:
    """Cells, tokens and core-seconds that this study had to pay for."""
    rows = _cells(study, records, halves)
    fresh = [row for row in rows if row[2].id not in set(declared["known"])]
    return {
        "cells": len(rows),
        "cells_reused": len(rows) - len(fresh),
        "tokens": sum(tokens(cell.config) for _, _, cell, _ in fresh),
        "core_seconds": sum(sum(record.get("seconds", {}).values()) for *_, record in fresh)
        * study.numerics.threads,
    }


def provenance(study: Study, declared: Tree, records: Records, halves: Halves) -> Tree:
    """Versions, machine, numerics, text and the list of all cells."""
    known = set(declared["known"])
    name = study.base.resolved["task"].get("corpus")
    corpus = open_corpus(name) if name else None
    return {
        "partbench": __version__,
        "torch": study.declaration["torch"],
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": machine.describe(),
        "numerics": study.declaration["numerics"],
        "corpus": corpus
        and {"name": corpus.name, "sha256": corpus.sha256, "bytes": corpus.num_bytes},
        "cells": [
            {
                "id": cell.id,
                "arm": arm,
                "seed": seed,
                "status": record["status"],
                "seconds": sum(record.get("seconds", {}).values()),
                "reused": cell.id in known,
            }
            for arm, seed, cell, record in _cells(study, records, halves)
        ],
    }

"""From a finished study to its committed record: report, declaration, costs, and every cell.

results/<name>/{study.json, costs.json, report.json, report.md, cells.tar.gz}    of a study
results/<name>/{report.json, report.md, study.json}    of `partbench verdict`
results/<name>/transfer.json    of `partbench check transfer`
results/<name>.json    of a command that prints; both of the form
                       {command, finished_at, machine, core_seconds, found}

Cells travel as specs and records, without weights, as `partbench ledger export` writes them.
"""

import time
from pathlib import Path
from typing import Any

from partbench.claims import records
from partbench.core.errors import InputError
from partbench.core.files import write_json, write_whole
from partbench.measure import machine
from partbench.study import transfer
from partbench.study.ledger import Ledger

FILES = (records.DECLARED, records.COSTS, records.REPORT, "report.md")


def study(folder: Path, target: Path, ledger: Ledger) -> int:
    """Copy what says the verdict from a study's folder, and export its cells; how many.

    InputError where the study is not complete, or this ledger does not hold all of its cells.
    """
    report = records.read_json(folder / records.REPORT)
    if report["status"] != "complete":
        raise InputError(f"{folder}: this study is {report['status']}; run it to its end first")
    ids = {cell["id"] for cell in report["provenance"].get("cells", [])}
    rows = [row for row in ledger.index.everything() if row["id"] in ids]
    if len(rows) < len(ids):
        raise InputError(
            f"{folder}: {len(ids) - len(rows)} of its {len(ids)} cells are not in the ledger "
            f"{ledger.root}; set PARTBENCH_HOME to the one it ran with"
        )
    _copy(folder, target)
    return transfer.export(ledger, target / records.CELLS, rows, [], False)


def commands(folder: Path, target: Path) -> None:
    """Copy what a study of commands left; InputError where it is not complete."""
    report = records.read_json(folder / records.REPORT)
    if report["status"] != "complete":
        raise InputError(f"{folder}: this study is {report['status']}; run it to its end first")
    _copy(folder, target)


def _copy(folder: Path, target: Path) -> None:
    for name in FILES:
        if (folder / name).exists():
            write_whole(target / name, (folder / name).read_bytes())


def printed(found: Any, command: str, seconds: float, target: Path) -> None:
    """Keep what a command printed, with the machine and the date; `seconds` of all its cores."""
    write_json(
        target,
        {
            "command": command,
            "finished_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "machine": machine.describe(),
            "core_seconds": seconds,
            "found": found,
        },
    )

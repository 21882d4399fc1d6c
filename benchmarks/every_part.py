"""Every part and every optimiser trains on real text: losses and times in one table.

    python benchmarks/every_part.py [--steps 200] [--only mixer optimizer=muon] [--seed 1]
                                    [--set path=value] [--out benchmarks/EVERY_PART.md]

Each part stands alone in the quick preset, everything else as it is there, at its own default
settings (so optimisers at their own default rates: a table of what works, not of what is best).
Runs are taken one after the other on one thread; times are only worth reading when nothing else
computes. A part that cannot stand there says why in one line; one that diverges or fails is shown.
"""

import argparse
import math
import shlex
import sys
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from partbench.core import menu
from partbench.core.cell import METRICS, Cell
from partbench.core.config import Config, parse_assignment
from partbench.core.errors import PartbenchError
from partbench.core.files import write_whole
from partbench.core.numerics import Numerics
from partbench.data.text import identity_of
from partbench.measure import machine
from partbench.study.spec import base_config
from partbench.train.metrics import read
from partbench.train.record import run_cell

SLOTS = [slot for slot in menu.SLOTS if slot != "task"]
HEAD = ["part", "parameters", "first loss", "last loss", "score", "ms a step", "time", "note"]
Row = dict[str, Any]


def main() -> None:
    """Parse the command line, run, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="+", default=SLOTS, help="slots, or slot=part")
    parser.add_argument("--set", action="append", default=[], help="path=value for every run")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("EVERY_PART.md"))
    chosen = parser.parse_args()
    edits = dict(parse_assignment(text, "--set") for text in chosen.set)
    base = base_config("quick").edit({"train.steps": chosen.steps, "train.evaluations": 1, **edits})
    rows = [row("base", base, chosen.seed)]
    for what in chosen.only:
        slot, _, name = what.partition("=")
        for part in [name] if name else menu.names(slot):
            rows.append(row(f"{slot}={part}", base.edit({slot: part}), chosen.seed))
            print(line(rows[-1], rows[0]), flush=True)
    write_whole(chosen.out, page(rows, base, shlex.join(sys.argv[1:])))
    print(chosen.out)


def row(name: str, config: Config, seed: int) -> Row:
    """One run; a part that cannot stand in the base has a note and no numbers."""
    found: Row = {"part": name, "note": ""}
    try:
        resolved = config.resolved
        context = resolved["dims"]["context"]
        cell = Cell(
            config=resolved,
            seed=seed,
            numerics=asdict(Numerics()),
            torch=version("torch"),
            corpus=identity_of(resolved["task"], context, seed),
        )
    except PartbenchError as error:
        return found | {"note": f"not alone in this base: {error}"}
    with TemporaryDirectory() as folder:
        record = run_cell(cell, Path(folder))
        losses = [entry["loss"] for entry in read(Path(folder) / METRICS)]
    late = losses[-max(1, len(losses) // 10) :]
    if record["status"] != "finished":
        found["note"] = f"{record['status']}: {record['reason']}"
    elif late and sum(late) / len(late) >= losses[0] > 0 and len(losses) > 1:
        found["note"] = "its loss did not fall"
    return found | {
        "parameters": sum(record.get("parameters", {}).values()) or None,
        "first": losses[0] if losses else None,
        "last": sum(late) / len(late) if late else None,
        "score": record.get("score"),
        "unit": record.get("unit", ""),
        "step": 1000 * record.get("seconds", {}).get("train", math.nan) / max(1, len(losses)),
    }


def line(found: Row, base: Row) -> str:
    """One row of the table."""
    if "step" not in found:
        return f"| {found['part']} |{' |' * (len(HEAD) - 2)} {found['note']} |"
    cells = [
        found["part"],
        "" if found["parameters"] is None else f"{found['parameters']:,}",
        *(number(found[name], 3) for name in ("first", "last", "score")),
        number(found["step"], 1),
        f"{found['step'] / base['step']:.2f}x",
        found["note"],
    ]
    return "| " + " | ".join(cells) + " |"


def number(value: float | None, digits: int) -> str:
    """A number, or nothing where there is none."""
    return "" if value is None or not math.isfinite(value) else f"{value:.{digits}f}"


def page(rows: list[Row], base: Config, arguments: str) -> str:
    """The whole page."""
    here, train, dims = machine.describe(), base.resolved["train"], base.resolved["dims"]
    unit = rows[0].get("unit", "")
    said = [
        "# Every part trains",
        "",
        f"`{f'python benchmarks/every_part.py {arguments}'.strip()}`: every part",
        "alone in the quick preset, at its own default settings, one seed, one thread, float32.",
        "A table of what works and what it takes, not of what is better: for that there is",
        "`partbench compare`. The last loss is the mean of the last tenth of the steps, in nats;",
        f"the score is {unit} on held-out text; the time is a step's over the base's.",
        "",
        f"{dims['depth']} layers, width {dims['width']}, {train['steps']} steps of "
        f"{train['batch']} x {dims['context']} tokens. {here['processor']}, torch {here['torch']}.",
        "",
        "| " + " | ".join(HEAD) + " |",
        "|" + "---|" * len(HEAD),
        *(line(item, rows[0]) for item in rows),
    ]
    return "\n".join(said) + "\n"


if __name__ == "__main__":
    main()

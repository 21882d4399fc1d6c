"""Every part and every optimiser trains on real text: losses and times in one table.

    python benchmarks/every_part.py [--steps 200] [--only mixer optimizer=muon] [--seed 1]
                                    [--workers 2] [--nice 19] [--set path=value]
                                    [--out benchmarks/EVERY_PART.md]

Each part stands alone in the quick preset, everything else as it is there, at its own default
settings (so optimisers at their own default rates: a table of what works, not of what is best).
Runs are cells of the ledger, one thread each: what was stopped goes on with the same command, and
the table is written when all are known. A step's time is the median of the run's steps; it is only
worth reading to a tenth, and with one worker on a machine that computes nothing else. A part that
cannot stand there says why in one line; one that diverges or fails is shown. A part that the preset
does not ask for (a router) stands beside the one that does, a model of pictures in the preset of
pictures; the note names either.
"""

import argparse
import math
import os
import shlex
import statistics
import sys
from pathlib import Path
from typing import Any

from partbench.core import menu
from partbench.core.cell import METRICS, Cell
from partbench.core.config import Config, parse_assignment
from partbench.core.errors import PartbenchError
from partbench.core.files import write_whole
from partbench.core.numerics import Numerics
from partbench.engines.local import Local
from partbench.measure import machine
from partbench.study.ledger import Ledger
from partbench.study.spec import Study, base_config
from partbench.testing.audit.asked import BESIDE
from partbench.train.metrics import read

SLOTS = [slot for slot in menu.SLOTS if slot != "task"]
HEAD = ["part", "parameters", "first loss", "last loss", "score", "ms a step", "time", "note"]
Row = dict[str, Any]
PICTURES = {"model=cnn_a", "model=cnn_b", "model=vit"}
"""Models that read no text; they stand in the preset `images`."""


def main() -> None:
    """Parse the command line, run, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="+", default=SLOTS, help="slots, or slot=part")
    parser.add_argument("--workers", type=int, default=1, help="runs side by side")
    parser.add_argument("--nice", type=int, default=0, help="0 to 19; 19 gives way to all others")
    parser.add_argument("--set", action="append", default=[], help="path=value for every run")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("EVERY_PART.md"))
    chosen = parser.parse_args()
    os.nice(chosen.nice)
    edits = dict(parse_assignment(text, "--set") for text in chosen.set)
    edits = {"train.steps": chosen.steps, "train.evaluations": 1, **edits}
    base, pictures = (base_config(name).edit(edits) for name in ("quick", "images"))
    configs = {"base": base}
    for slot, _, name in (what.partition("=") for what in chosen.only):
        for part in [name] if name else menu.names(slot):
            label = f"{slot}={part}"
            around = pictures if label in PICTURES else base
            configs[label] = around.edit({**beside(label), slot: part})
    found = {name: prepared(base, config, chosen.seed) for name, config in configs.items()}
    ledger = Ledger()
    train(ledger, [cell for cell in found.values() if isinstance(cell, Cell)], chosen.workers)
    rows = [row(ledger, name, cell) for name, cell in found.items()]
    write_whole(chosen.out, page(rows, base, shlex.join(sys.argv[1:])))
    print(chosen.out)


def prepared(base: Config, config: Config, seed: int) -> Cell | str:
    """One run; or why the part cannot stand in this base."""
    try:
        study = Study(
            name="every part", question="", base=base, arms={"-": base}, numerics=Numerics()
        )
        return study.cell(config, seed)
    except PartbenchError as error:
        return f"not alone in this base: {error}"


def train(ledger: Ledger, cells: list[Cell], workers: int) -> None:
    """Every cell that has no outcome yet, `workers` side by side."""
    waiting = [ledger.prepare(cell) for cell in cells if not ledger.finished(cell)]
    folders = list(dict.fromkeys(waiting))  # a part may be the base's own
    done = 0

    def tell(event: dict[str, Any]) -> None:
        nonlocal done
        if event["event"] == "done":
            done += 1
            print(f"{done} of {len(folders)} runs", file=sys.stderr, flush=True)

    with Local(workers, 1, ledger.root.parent / "logs") as engine:
        engine.run(folders, tell)


def beside(name: str) -> dict[str, Any]:
    """What must stand beside this part for it to be built or used at all."""
    if name == "embedding=cipher":
        return {"head": "linear"}
    return BESIDE.get(name.partition("=")[0], {})


def row(ledger: Ledger, name: str, cell: Cell | str) -> Row:
    """What became of one run; a note and no numbers where there was none."""
    if isinstance(cell, str):
        return {"part": name, "note": cell}
    note = ["the preset `images`, digits"] if name in PICTURES else []
    note += [f"{slot}={part}" for slot, part in beside(name).items()]
    found: Row = {"part": name, "note": ", ".join(note)}
    record = ledger.record(cell)
    if record is None:
        return found | {"note": "no record: see the ledger's logs"}
    path = ledger.folder(cell) / METRICS
    entries = list(read(path)) if path.exists() else []
    losses = [entry["loss"] for entry in entries]
    late = losses[-max(1, len(losses) // 10) :]
    if record["status"] != "finished":
        found["note"] = f"{record['status']}: {record['reason']}"
    elif late and sum(late) / len(late) >= losses[0] > 0 and len(losses) > 1:
        found["note"] = "its loss did not fall"
    steps = [entry["seconds"] for entry in entries if "seconds" in entry]
    return found | {
        "parameters": sum(record.get("parameters", {}).values()) or None,
        "first": losses[0] if losses else None,
        "last": sum(late) / len(late) if late else None,
        "score": record.get("score"),
        "unit": record.get("unit", ""),
        "step": 1000 * statistics.median(steps) if steps else math.nan,
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
        number(math.nan if found["part"] in PICTURES else found["step"] / base["step"], 2),
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
        f"the score is {unit} on held-out text, bits per picture on held-out pictures;",
        "the time is a step's over the base's.",
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

"""Tables of runs that exist: CSV, JSON and JSON lines, those of Weights & Biases among them.

A row is a run: arm, seed, score, and perhaps seconds and tokens. Recognised by their headings:
a plain table; the runs table that W&B exports (Name, State, then configuration and summary); a
chart that W&B exports ("Step", then "RUN - metric" with __MIN and __MAX beside it); W&B runs as
JSON (config and summary); MLflow's params.* and metrics.*.
"""

import csv
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from partbench.core.errors import DataError, nearest

Row = dict[str, Any]
ROLES = ("arm", "seed", "score", "seconds", "tokens")
GUESSES = {
    "arm": ("arm", "variant", "group", "method", "model", "name"),
    "seed": ("seed", "random_seed", "rng"),
    "score": ("score", "val_loss", "val/loss", "eval_loss", "eval/loss", "valid_loss",
              "validation_loss", "test_loss", "loss"),
    "seconds": ("seconds", "runtime", "_runtime", "time", "train_runtime", "duration"),
    "tokens": ("tokens", "num_tokens", "tokens_seen", "num_input_tokens_seen"),
}  # fmt: skip
NEEDED = ("arm", "score")
STATE = ("state", "status")
UNFINISHED = ("crashed", "failed", "killed", "running", "pending", "preempting", "scheduled")


@dataclass(frozen=True)
class TableRun:
    """One run of a table. score: None where there is none, nan where the run diverged."""

    arm: str
    seed: str | None
    score: float | None
    seconds: float | None
    tokens: float | None
    place: int
    state: str = ""


@dataclass(frozen=True)
class RunsTable:
    """All runs of a file, what it was recognised as, and the columns that were read."""

    runs: tuple[TableRun, ...]
    kind: str
    columns: dict[str, str]

    @property
    def unit(self) -> str:
        """The name of the score."""
        return self.columns["score"]

    def arms(self) -> list[str]:
        """The arms in the order of the file."""
        return list(dict.fromkeys(run.arm for run in self.runs))


def read(path: Path, columns: Mapping[str, str] | None = None) -> RunsTable:
    """The runs in a file; `columns` says role -> heading where the headings do not.

    Raises DataError in one line: no such file, no table, a role whose column is not there or is
    not clear, a number that is none, one arm's seed that is there twice.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read: {error}") from None
    rows, kind = _rows(path, text)
    if not rows:
        raise DataError(f"{path}: no runs in it")
    headings = list(dict.fromkeys(heading for row in rows for heading in row))
    given = columns or {}
    chosen = _columns(path, headings, given, "Weights" in kind)
    runs = tuple(_run(path, row, chosen, given, place) for place, row in enumerate(rows, start=1))
    _no_twins(path, runs)
    return RunsTable(runs, kind, chosen)


def parse_columns(text: str | None) -> dict[str, str]:
    """`arm=Group,score=val/loss` as role -> heading; DataError for another role or form."""
    found: dict[str, str] = {}
    for pair in filter(None, (text or "").split(",")):
        role, equals, heading = (piece.strip() for piece in pair.partition("="))
        if not equals or not heading:
            raise DataError(f"--columns {text}: write it as arm=COLUMN,seed=COLUMN,score=COLUMN")
        if role not in ROLES:
            raise DataError(f"--columns: no role called '{role}'; {nearest(role, ROLES)}")
        found[role] = heading
    return found


def _rows(path: Path, text: str) -> tuple[list[Row], str]:
    if text.lstrip()[:1] in ("[", "{"):
        return _json_rows(path, text)
    sample = text.partition("\n")[0]
    mark = max(",;\t", key=sample.count)
    rows = list(csv.DictReader(text.splitlines(), delimiter=mark, restkey=None))
    if not rows or len(rows[0]) < 2:
        raise DataError(f"{path}: no table: a first line with headings, then one line a run")
    headings = [heading.strip() for heading in rows[0] if heading is not None]
    if any(f"{heading}__MIN" in headings for heading in headings):
        return _chart_rows(rows), "a chart exported from Weights & Biases"
    plain = [{(k or "").strip(): (v or "").strip() for k, v in row.items()} for row in rows]
    if {"Name", "State"} <= set(headings):
        return plain, "a runs table exported from Weights & Biases"
    if any(heading.startswith("metrics.") for heading in headings):
        return plain, "runs exported from MLflow"
    return plain, "a table"


def _json_rows(path: Path, text: str) -> tuple[list[Row], str]:
    try:
        tree = json.loads(text)
    except ValueError:
        try:
            tree = [json.loads(line) for line in text.splitlines() if line.strip()]
        except ValueError as error:
            raise DataError(f"{path}: not valid JSON: {error}") from None
    if isinstance(tree, dict):
        inside = [value for value in tree.values() if isinstance(value, list)]
        tree = inside[0] if len(inside) == 1 else [tree]
    if not all(isinstance(row, dict) for row in tree):
        raise DataError(f"{path}: not a list of runs: write one object a run")
    if any("summary" in row or "summaryMetrics" in row or "summary_metrics" in row for row in tree):
        return [_wandb_row(row) for row in tree], "runs exported from Weights & Biases"
    return tree, "a table"


def _wandb_row(row: Row) -> Row:
    """Name, state, configuration and summary of a W&B run on one level."""
    made = {key: value for key, value in row.items() if not isinstance(value, dict | list)}
    for part in ("config", "rawconfig", "summary", "summaryMetrics", "summary_metrics"):
        inside = row.get(part)
        inside = json.loads(inside) if isinstance(inside, str) else inside
        for key, value in (inside or {}).items():
            # W&B writes a configuration's values as {"value": 3}, with or without "desc".
            wrapped = isinstance(value, dict) and {"value"} <= set(value) <= {"value", "desc"}
            made[key] = value["value"] if wrapped else value
    return made


def _chart_rows(rows: list[Row]) -> list[Row]:
    """The last value of every curve; arm and seed are read off the run's name: `base-seed3`."""
    found = []
    for heading in rows[0]:
        name, dash, metric = str(heading).rpartition(" - ")
        if not dash or metric.endswith(("__MIN", "__MAX")) or metric in ("_step", "step", "Step"):
            continue
        values = [row[heading].strip() for row in rows if (row[heading] or "").strip()]
        match = re.fullmatch(r"(.*?)[-_ .=]*(?:seed|s)?[-_ .=]*(\d+)", name)
        arm, seed = (match[1], match[2]) if match and match[1] else (name, "")
        found.append({"arm": arm, "seed": seed, metric: values[-1] if values else ""})
    return found


def _columns(
    path: Path, headings: list[str], given: Mapping[str, str], tracked: bool
) -> dict[str, str]:
    """Role -> heading. In a tracker's export a name is a run's own and never an arm's."""
    chosen = {}
    for role in ROLES:
        if role in given:
            if given[role] not in headings:
                hint = nearest(given[role], headings)
                raise DataError(f"{path}: no column '{given[role]}' for the {role}; {hint}")
            chosen[role] = given[role]
        elif (heading := _guess(role, headings, ("name", "model") if tracked else ())) is not None:
            chosen[role] = heading
        elif role in NEEDED:
            raise DataError(
                f"{path}: which column is the {role}? Say --columns {role}=COLUMN; there are "
                f"{', '.join(headings[:20])}"
            )
    return chosen


def _guess(role: str, headings: list[str], never: tuple[str, ...]) -> str | None:
    for wanted in GUESSES[role]:
        if wanted in never:
            continue
        for same in (str.lower, lambda text: re.split(r"[./]", text)[-1].lower()):
            for heading in headings:
                if same(heading) == wanted:
                    return heading
    return None


def _run(
    path: Path, row: Row, columns: Mapping[str, str], given: Mapping[str, str], place: int
) -> TableRun:
    def number(role: str) -> float | None:
        value = row.get(columns.get(role, ""))
        if value is None or str(value).strip() == "":
            return None
        try:
            return float(value)
        except (TypeError, ValueError):
            if role not in NEEDED and role not in given:
                return None  # a column that was only guessed: a time of day, say
            raise DataError(
                f"{path}, run {place}: {columns[role]} is '{value}', which is not a number"
            ) from None

    state = next((str(row[key]).lower() for key in row if key.lower() in STATE), "")
    score = number("score")
    if state in UNFINISHED and score is not None and math.isfinite(score):
        score = None  # the last value of a run that did not reach its end is no result
    arm, seed = str(row.get(columns["arm"]) or "").strip(), row.get(columns.get("seed", ""))
    if not arm:
        raise DataError(f"{path}, run {place}: no {columns['arm']}, so it belongs to no arm")
    seed = None if seed is None or str(seed).strip() == "" else str(seed).strip().removesuffix(".0")
    return TableRun(arm, seed, score, number("seconds"), number("tokens"), place, state)


def _no_twins(path: Path, runs: tuple[TableRun, ...]) -> None:
    seen: dict[tuple[str, str], TableRun] = {}
    for run in runs:
        if run.seed is None or run.score is None:
            continue
        other = seen.setdefault((run.arm, run.seed), run)
        if other is not run:
            raise DataError(
                f"{path}: {run.arm} has seed {run.seed} twice (runs {other.place} and "
                f"{run.place}); keep the one that was meant, chosen without a look at its score"
            )

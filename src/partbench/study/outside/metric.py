"""The number that decides, read from what a run left behind: its output, a JSON or a CSV file.

It is read from what is kept of a run, never while it runs, so that another question about the same
runs needs no run anew. A value that is not finite is a number too: the run has diverged.
"""

import contextlib
import csv
import io
import json
import math
import re
from collections import deque
from dataclasses import dataclass
from typing import Any

from partbench.core.errors import ConfigError, nearest
from partbench.study.outside import numbers

PICKS = ("last", "min", "max")


@dataclass(frozen=True, kw_only=True)
class Metric:
    """Where the number is.

    kind: "text" (`key` is a name, or a regular expression with a group), "json" (`key` is a path
    of keys), "csv" (`key` is a column). file: the file to read, with {seed} and {out} in it; ""
    is the output itself. pick: which row of a CSV file.
    """

    kind: str
    key: str
    file: str = ""
    pick: str = "last"

    @property
    def name(self) -> str:
        """What to call the number in a report."""
        if self.kind != "text":
            return self.key
        group = numbers.first_group(self.key)
        text = self.key if group is None else self.key[: group[0]]
        words = re.findall(r"[A-Za-z_][\w./-]*", re.sub(r"\\[a-zA-Z]", " ", text))
        return words[-1].rstrip(".") if words else "the metric"

    @property
    def option(self) -> str:
        """How it was asked for, for messages."""
        pick = f":{self.pick}" if self.pick != "last" else ""
        file = f"{self.file}:" if self.file else ""
        name = "--metric" if self.kind == "text" else f"--metric-{self.kind}"
        return f"{name} '{file}{self.key}{pick}'"


@dataclass(frozen=True)
class Reading:
    """A run's number, or (value None) in one line why there is none."""

    value: float | None
    trouble: str = ""


def parse(text: str | None, in_json: str | None, in_csv: str | None) -> Metric:
    """The metric of a command line; ConfigError unless exactly one way was given."""
    given = [value for value in (text, in_json, in_csv) if value is not None]
    if len(given) != 1 or not given[0].strip():
        raise ConfigError(
            "the metric: say once where the number is, with --metric NAME (or 'NAME=(regex)'), "
            "--metric-json FILE:key.path or --metric-csv FILE:column"
        )
    if in_json is not None:
        file, _, key = in_json.rpartition(":")
        return Metric(kind="json", file=file, key=key)
    if in_csv is not None:
        file, _, column = in_csv.rpartition(":")
        pick = "last"
        if column in PICKS and ":" in file:
            pick = column
            file, _, column = file.rpartition(":")
        if not file or not column:
            raise ConfigError(f"--metric-csv {in_csv}: write it as FILE:column, or FILE:column:min")
        return Metric(kind="csv", file=file, key=column, pick=pick)
    assert text is not None
    _pattern(text)
    return Metric(kind="text", key=text)


def read(metric: Metric, output: str, content: str | None) -> Reading:
    """The number in a run's output, or in the `content` of its file (None: there was no file)."""
    if metric.file and content is None:
        return Reading(None, f"{metric.file} was not written by the run")
    if metric.kind == "text":
        return _from_text(metric, numbers.plain(output))
    if metric.kind == "csv":
        return _from_csv(metric, content or "")
    return _from_json(metric, content if metric.file else numbers.plain(output))


def series(metric: Metric, text: str) -> list[float]:
    """Every number of the metric in a text, in order: in lines, in rows of JSON lines or of CSV."""
    if metric.kind == "text":
        said = [found[1] for found in _pattern(metric.key).finditer(numbers.plain(text))]
    elif metric.kind == "csv":
        rows = list(csv.DictReader(io.StringIO(text)))
        said = [value for row in rows for name, value in row.items()
                if name and name.strip() == metric.key]  # fmt: skip
    else:
        trees = _trees(text if metric.file else numbers.plain(text), whole=bool(metric.file))
        said = [found for tree in trees if (found := _dig(tree, metric.key)) is not _NOTHING]
    found = []
    for word in said:
        with contextlib.suppress(ValueError, TypeError):
            found.append(float(word.rstrip(".,;") if isinstance(word, str) else word))
    return found


def _pattern(text: str) -> re.Pattern[str]:
    if re.fullmatch(r"[\w./@% -]+", text):  # a name alone
        name = re.escape(text.strip())
        value = f"({numbers.NUMBER}|{numbers.NOT_FINITE})"
        return re.compile(rf"(?<![\w./-]){name}[\"']?\s*[=:\s]\s*{value}")
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise ConfigError(f"--metric '{text}': not a regular expression: {error}") from None
    if not pattern.groups:
        raise ConfigError(
            f"--metric '{text}': no group; put parentheses round the number, as in "
            f"'val_loss=([-+.0-9eE]+)', or give its name alone: --metric val_loss"
        )
    return pattern


def _diverged(text: str) -> re.Pattern[str] | None:
    """The same expression with nan or inf in the place of its number.

    `loss=([0-9.]+)` cannot match `loss=nan`: without this, the last good value of a run that
    diverged later would pass for its result.
    """
    group = numbers.first_group(text)
    if group is None:
        return None
    try:
        return re.compile(f"{text[: group[0]]}({numbers.NOT_FINITE}){text[group[1] :]}")
    except re.error:
        return None


def _from_text(metric: Metric, output: str) -> Reading:
    found = _last(_pattern(metric.key), output)
    broken = _diverged(metric.key)
    lost = None if broken is None else _last(broken, output)
    if lost is not None and (found is None or lost.start() > found.start()):
        return Reading(math.nan)
    if found is None or found[1] is None:
        return Reading(None, f"matched nothing{_candidate(metric, output)}")
    text = found[1].rstrip(".,;")
    try:
        value = float(text)
    except ValueError:
        return Reading(None, f"matched '{found[1][:40]}', which is not a number")
    whole = numbers.whole_number(output, *found.span(1)) if math.isfinite(value) else None
    if whole is not None:
        return Reading(
            None,
            f"caught only '{text}' of '{whole}'; catch the whole number with ([-+.0-9eE]+), or "
            f"give its name alone: --metric {metric.name}",
        )
    return Reading(value)


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    matches = deque(pattern.finditer(text), maxlen=1)
    return matches[0] if matches else None


def _candidate(metric: Metric, output: str) -> str:
    """The number that was perhaps meant: the one with the name most alike, else the last."""
    import difflib

    there = numbers.named_numbers(output)
    if not there:
        last = numbers.last_line(output)
        return f"; the last line is: {last}" if last else "; the run printed nothing"
    close = difflib.get_close_matches(metric.name, there, n=1, cutoff=0.4)
    name = close[0] if close else list(there)[-1]
    return f"; its last lines have {name} = {there[name]}: try --metric '{name}'"


def _from_json(metric: Metric, text: str | None) -> Reading:
    trees = list(_trees(text or "", whole=bool(metric.file)))
    where = metric.file or "the output"
    if not trees:
        return Reading(None, f"found no JSON in {where}")
    for tree in reversed(trees):
        found = _dig(tree, metric.key)
        if found is not _NOTHING:
            return _number(found, f"{metric.key} in {where}")
    keys = sorted(_leaves(trees[-1]))
    return Reading(None, f"found no '{metric.key}' in {where}; {nearest(metric.key, keys)}")


def _trees(text: str, whole: bool) -> list[Any]:
    """JSON objects: the whole text, else every line that is one (JSON lines, or among others)."""
    if whole:
        try:
            return [json.loads(text)]
        except ValueError:
            pass
    found = []
    for line in text.splitlines():
        if line.strip().startswith("{"):
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
    return found


_NOTHING = object()


def _dig(tree: Any, key: str) -> Any:
    """The value at a path of keys and list places; keys may hold dots themselves."""
    if isinstance(tree, list) and (first := key.split(".")[0]).lstrip("-").isdigit():
        if not -len(tree) <= int(first) < len(tree):
            return _NOTHING
        rest = key[len(first) + 1 :]
        return _dig(tree[int(first)], rest) if rest else tree[int(first)]
    if not isinstance(tree, dict):
        return _NOTHING
    if key in tree:
        return tree[key]
    for place, letter in enumerate(key):
        if letter == "." and key[:place] in tree:
            found = _dig(tree[key[:place]], key[place + 1 :])
            if found is not _NOTHING:
                return found
    return _NOTHING


def _leaves(tree: Any, above: str = "") -> list[str]:
    if isinstance(tree, dict):
        return [leaf for key, item in tree.items() for leaf in _leaves(item, f"{above}.{key}")]
    return [above.removeprefix(".")]


def _number(value: Any, where: str) -> Reading:
    if isinstance(value, bool) or value is None or isinstance(value, dict | list):
        return Reading(None, f"{where} is {json.dumps(value)[:40]}, which is not a number")
    try:
        return Reading(float(value))
    except ValueError:
        return Reading(None, f"{where} is '{str(value)[:40]}', which is not a number")


def _from_csv(metric: Metric, text: str) -> Reading:
    rows = csv.DictReader(io.StringIO(text))
    columns = [name.strip() for name in rows.fieldnames or []]
    rows.fieldnames = columns
    if metric.key not in columns:
        hint = nearest(metric.key, columns)
        return Reading(None, f"found no column '{metric.key}' in {metric.file}; {hint}")
    cells = [row[metric.key].strip() for row in rows if (row[metric.key] or "").strip()]
    readings = [_number(cell, f"{metric.key} in {metric.file}") for cell in cells]
    if not readings:
        return Reading(None, f"found no row with a {metric.key} in {metric.file}")
    if metric.pick == "last":
        return readings[-1]
    values = [r.value for r in readings if r.value is not None and math.isfinite(r.value)]
    if not values:
        return readings[-1]
    return Reading(min(values) if metric.pick == "min" else max(values))

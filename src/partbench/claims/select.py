"""Numbers of a JSON tree by their place in it.

    rows[coordinates=1;keys=1000000].microseconds.index      one number
    answers[task=copy;arm=end token, twice].exact                   all that fit, in order
    probes.sizes.output.-1                                   the last of a list

A name is a key; [a=b;..] keeps the rows of a list that have these values; a whole number is a place
in a list. A list at the end gives all its numbers. A record that says null has no number to give.
"""

import re
from typing import Any

from partbench.core.errors import ConfigError

STEP = re.compile(r"([^.\[\]]+)((?:\[[^\]]*\])*)(?:\.|$)")


def numbers(tree: Any, place: str) -> list[float]:
    """Every number at `place`, none where one is null; ConfigError where there is no such place."""
    found = [tree]
    for name, filters in STEP.findall(place):
        found = [inner for item in found for inner in _into(item, name)]
        for rule in re.findall(r"\[([^\]]*)\]", filters):
            wanted = dict(pair.split("=", 1) for pair in rule.split(";"))
            rows = [row for item in found for row in item]
            found = [row for row in rows if all(_same(row.get(k), v) for k, v in wanted.items())]
    flat = [n for item in found for n in (item if isinstance(item, list) else [item])]
    if None in flat:
        return []
    kept = [float(n) for n in flat if isinstance(n, int | float)]
    if not kept or len(kept) < len(flat):
        raise ConfigError(f"{place}: no numbers there")
    return kept


def _into(item: Any, name: str) -> list[Any]:
    if isinstance(item, dict):
        return [item[name]] if name in item else []
    if isinstance(item, list) and re.fullmatch(r"-?\d+", name):
        return [item[int(name)]] if -len(item) <= int(name) < len(item) else []
    return []


def _same(value: Any, text: str) -> bool:
    try:
        return float(value) == float(text)
    except (TypeError, ValueError):
        return str(value) == text

"""The digit index against brute force, sorted search and a k-d tree, in turn, in one run.

    python benchmarks/noise_key_index.py [--keys 1000 10000 100000 1000000] [--coordinates 1 8]
                                         [--queries 512] [--rounds 5] [--json]

Seconds of processor time a query, the median over the rounds, all methods in turn within each.
Peers answer their own question: brute force and the index the digit metric's, sorted search and the
tree the nearest number (which the index answers too, as `numeric`). Queries are uniform, the worst
case, or near a key, as those of a model are. One thread.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from partbench.measure import machine
from partbench.models.noise_keys.digits import Metric, brute_force
from partbench.models.noise_keys.index import DigitIndex

Array = np.ndarray
TOP = 10**8
BRUTE_PAIRS = 1 << 23
"""Pairs that brute force is timed on in a round, about."""


def main() -> None:
    """Parse the command line, time, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keys", type=int, nargs="+", default=[10**3, 10**4, 10**5, 10**6])
    parser.add_argument("--coordinates", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--queries", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="all of it as data")
    chosen = parser.parse_args()
    rows = []
    for axes in chosen.coordinates:
        for number in chosen.keys:
            rows.append(measured(axes, number, chosen.queries, chosen.rounds))
            if not chosen.json:
                print(line(rows[-1]), flush=True)
    growth = {str(axes): exponents([r for r in rows if r["coordinates"] == axes])
              for axes in chosen.coordinates}  # fmt: skip
    if chosen.json:
        print(json.dumps({"machine": machine.describe(), "rows": rows, "growth": growth}, indent=1))
    for axes, found in growth.items():
        if not chosen.json and found:
            words = ", ".join(f"{name} n^{value:.2f}" for name, value in found.items())
            print(f"growth at {axes} coordinates: {words}")


def measured(axes: int, number: int, queries: int, rounds: int) -> dict[str, Any]:
    """One row: microseconds a query of every method, and how often answers agree."""
    rng = np.random.default_rng([axes, number])
    keys = rng.integers(0, TOP, (number, axes))
    uniform = rng.integers(0, TOP, (queries, axes))
    near = (keys[rng.integers(0, number, queries)] + rng.integers(-100, 100, (queries, axes))) % TOP
    digits, numeric = Metric("digits", axes), Metric("numeric", axes)
    began = time.process_time()
    index = DigitIndex(digits, keys)
    build = time.process_time() - began
    plain = DigitIndex(numeric, keys)
    tree, held = cKDTree(keys), digits.digits(keys)
    few = uniform[: max(1, BRUTE_PAIRS // (number * axes))]
    methods: dict[str, tuple[Callable[[Array], Any], Array]] = {
        "index": (index.query, uniform),
        "index near": (index.query, near),
        "index 8 probes": (lambda q: index.query(q, probes=8), uniform),
        "brute force": (lambda q: brute_force(digits, q, keys, 1, held), few),
        "index numeric": (plain.query, uniform),
        "k-d tree": (lambda q: tree.query(q, p=1), uniform),
    }
    if axes == 1:
        order = np.sort(keys[:, 0])
        methods["sorted search"] = (lambda q: nearest_sorted(order, q[:, 0]), uniform)
    seconds: dict[str, list[float]] = {name: [] for name in methods}
    for _, (ask, asked) in methods.items():  # caches and the index's own block size
        ask(asked[:64])
    for _ in range(rounds):
        for name, (ask, asked) in methods.items():
            began = time.process_time()
            ask(asked)
            seconds[name].append((time.process_time() - began) / len(asked))
    assert (index.query(few)[1] == brute_force(digits, few, keys)[1]).all()
    digit_nearest = index.query(uniform)[0]
    return {
        "coordinates": axes,
        "keys": number,
        "build_seconds": build,
        "bytes": index.nbytes,
        "load": index.load,
        "recall_8_probes": index.recall(uniform, 8),
        "digit_is_numeric_nearest": float((digit_nearest == plain.query(uniform)[0]).mean()),
        "microseconds": {name: 1e6 * statistics.median(s) for name, s in seconds.items()},
    }


def nearest_sorted(order: Array, asked: Array) -> Array:
    """The nearest of sorted whole numbers to each asked one."""
    place = np.clip(np.searchsorted(order, asked), 1, len(order) - 1)
    low, high = order[place - 1], order[place]
    return np.where(asked - low <= high - asked, low, high)


def exponents(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Of the growth of time with the number of keys, by method: the slope in logarithms."""
    if len(rows) < 2:
        return {}
    x = np.log([row["keys"] for row in rows])
    return {
        name: float(np.polyfit(x, np.log([row["microseconds"][name] for row in rows]), 1)[0])
        for name in rows[0]["microseconds"]
    }


def line(row: dict[str, Any]) -> str:
    """A row as text."""
    times = ", ".join(f"{name} {value:.1f}" for name, value in row["microseconds"].items())
    ratio = row["microseconds"]["brute force"] / row["microseconds"]["index"]
    return (
        f"D={row['coordinates']} keys={row['keys']:>8,}: microseconds a query: {times}; "
        f"brute force / index {ratio:.0f}x; recall of 8 probes {row['recall_8_probes']:.2f}; "
        f"digit nearest is numeric nearest {row['digit_is_numeric_nearest']:.2f}; "
        f"{row['bytes'] / 1e6:.0f} MB, load {row['load']:.2f}, built in "
        f"{row['build_seconds']:.1f} s"
    )


if __name__ == "__main__":
    main()

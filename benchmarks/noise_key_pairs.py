"""Sequence pairs: who stops in the right place, how many noises a step, which signature finds kin.

    python benchmarks/noise_key_pairs.py [--seeds 3] [--train 200] [--test 40]
                                         [--only "end token" ...] [--json]

Tasks, every draw from a named stream: copy and reverse (2 to 6 of 12 tokens), and commands to a
house and what they mean (three phrasings, one or two devices: 3 or 6 output tokens). Arms: a
learned end token, moments by kernel regression, moments by the middle layer, and the end token with
more than one noise a step and with look-ahead. Told for each: the share of outputs that are exact,
and the mean error of their length, on inputs that were not learned.
Retrieval: how often the nearest past command means the same, by signature, beside bag of words and
BM25 (Robertson and Zaragoza 2009).
"""

import argparse
import dataclasses
import json
import time
from collections import Counter
from typing import Any

import numpy as np

from partbench.core import rng
from partbench.models.noise_keys.digits import Metric
from partbench.models.noise_keys.pairs import Pair, Pairs, Settings
from partbench.models.noise_keys.signatures import signature
from partbench.models.noise_keys.stubs import Search
from partbench.models.noise_keys.tables import random_keys
from partbench.parts.probability.softmax import Softmax

DEVICES = ("light", "lamp", "fan", "heater", "radio")
ROOMS = ("kitchen", "bedroom", "bathroom", "hall", "garage")
WORDS = (*DEVICES, *ROOMS, "on", "off", "turn", "switch", "the", "in", "please", "i", "want", "and")
TASKS = ("copy", "reverse", "commands")
ARMS: dict[str, Settings] = {
    "end token": Settings(stop="end"),
    "kernel moments": Settings(stop="kernel"),
    "middle layer": Settings(stop="middle"),
    "end token, 2 noises a step": Settings(stop="end", hops=2),
    "kernel moments, look-ahead 1": Settings(stop="kernel", depth=1, search=Search(2, 2)),
    "kernel moments, adversary 1": Settings(
        stop="kernel", depth=1, adversary=True, search=Search(2, 2)
    ),
}
SIGNATURES = {f"pyramid layer {n}": ("pyramid", n) for n in range(4)} | {
    "keys": ("pyramid", -1),
    "full": ("full", 0),
    "scattershot": ("scattershot", 0),
}


def main() -> None:
    """Parse the command line, answer, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--train", type=int, default=200)
    parser.add_argument("--test", type=int, default=40)
    parser.add_argument("--only", nargs="+", choices=ARMS, default=list(ARMS), help="arms")
    parser.add_argument("--json", action="store_true", help="all of it as data")
    chosen = parser.parse_args()
    rows = [
        answered(task, name, seed, chosen.train, chosen.test)
        for task in TASKS
        for name in chosen.only
        for seed in range(chosen.seeds)
    ]
    found = [retrieved(seed, chosen.train, chosen.test) for seed in range(chosen.seeds)]
    kin = {name: [row[name] for row in found] for name in found[0]}
    if chosen.json:
        asked = {"train": chosen.train, "test": chosen.test, "seeds": chosen.seeds}
        print(json.dumps({"asked": asked, "answers": rows, "retrieval": kin}, indent=1))
        return
    for task in TASKS:
        for name in chosen.only:
            own = [row for row in rows if (row["task"], row["arm"]) == (task, name)]
            exact, gap = (np.mean([row[key] for row in own]) for key in ("exact", "length_error"))
            print(f"{task:9s} {name:30s} exact {exact:.2f}  length error {gap:.2f}")
    for name, shares in kin.items():
        print(f"retrieval {name:20s} {np.mean(shares):.2f}")


def made(task: str, seed: int, number: int, *use: str) -> list[Pair]:
    """Pairs of one task from the stream (seed, task, use)."""
    draw = rng.stream(seed, "pairs", task, *use)
    if task == "commands":
        return [command(draw) for _ in range(number)]
    found = []
    for _ in range(number):
        side = tuple(int(t) for t in draw.integers(0, 12, draw.integers(2, 7)))
        found.append((side, side if task == "copy" else side[::-1]))
    return found


def command(draw: np.random.Generator) -> Pair:
    """One thing that is said to a house, and (device, room, state) for each device meant."""
    room, state = str(draw.choice(ROOMS)), str(draw.choice(["on", "off"]))
    devices = [str(d) for d in draw.permutation(DEVICES)[: 1 + int(draw.random() < 0.3)]]
    things = " and the ".join(devices)
    said = (
        f"{draw.choice(['turn', 'switch'])} {state} the {things} in the {room}",
        f"in the {room} the {things} {state}",
        f"i want the {things} {state} in the {room}",
    )[int(draw.integers(3))]
    said += " please" * int(draw.random() < 0.3)
    meant = " ".join(f"{device} {room} {state}" for device in devices)
    one, two = (tuple(WORDS.index(word) for word in text.split()) for text in (said, meant))
    return one, two


def answered(task: str, name: str, seed: int, train: int, test: int) -> dict[str, Any]:
    """One arm on one task and seed."""
    settings = ARMS[name]
    began = time.process_time()
    known = made(task, seed, train, "train")
    asked = [pair for pair in made(task, seed, 4 * test, "test") if pair not in set(known)][:test]
    model = Pairs(len(WORDS) if task == "commands" else 12, Softmax(), settings, seed=seed)
    model.learn(known)
    answers = [model.answer(given) for given, _ in asked]
    return {
        "task": task,
        "arm": name,
        "seed": seed,
        "settings": dataclasses.asdict(settings),
        "exact": float(np.mean([a == b for a, (_, b) in zip(answers, asked, strict=True)])),
        "length_error": float(
            np.mean([abs(len(a) - len(b)) for a, (_, b) in zip(answers, asked, strict=True)])
        ),
        "asked": len(asked),
        "bytes": model.memory.nbytes,
        "seconds": time.process_time() - began,
    }


def retrieved(seed: int, train: int, test: int) -> dict[str, float]:
    """Share of new commands whose nearest past command means the same, by how they are compared."""
    known = made("commands", seed, train, "train")
    asked = [p for p in made("commands", seed, 4 * test, "test") if p not in set(known)][:test]
    keys = random_keys(seed, WORDS, Metric().axes, 8) / 10**8
    found = {}
    for name, (kind, layer) in SIGNATURES.items():
        points = np.stack([signature(keys[list(a)], kind, layer) for a, _ in known])
        scale = np.maximum(points.std(0), 1e-9)
        near = [
            np.square((points - signature(keys[list(a)], kind, layer)) / scale).sum(1).argmin()
            for a, _ in asked
        ]
        found[name] = same(known, asked, near)
    bags = np.stack([np.bincount(a, minlength=len(WORDS)) for a, _ in known]).astype(float)
    queries = [Counter(a) for a, _ in asked]
    size = bags.sum(1, keepdims=True)
    rare = np.log(1 + (len(bags) - (bags > 0).sum(0) + 0.5) / ((bags > 0).sum(0) + 0.5))
    ranked = rare * bags * 2.2 / (bags + 1.2 * (0.25 + 0.75 * size / size.mean()))
    unit = bags / np.linalg.norm(bags, axis=1, keepdims=True)
    for name, table in (("bag of words", unit), ("BM25", ranked)):
        near = [sum(n * table[:, word] for word, n in query.items()).argmax() for query in queries]
        found[name] = same(known, asked, near)
    return found


def same(known: list[Pair], asked: list[Pair], near: list[Any]) -> float:
    """How often the found pair's output is the asked one's."""
    pairs = zip(near, asked, strict=True)
    return float(np.mean([known[int(place)][1] == meant for place, (_, meant) in pairs]))


if __name__ == "__main__":
    main()

"""Invented but realistic reports, in plain Python: one arm, several, unfinished, identical."""

import math
import random

LOOKS = [4, 6, 8, 12]
CONFIG = {
    "model": {
        "part": "transformer",
        "width": 128,
        "depth": 4,
        "position": {"part": "rotary", "theta": 10000.0},
        "mixer": {"part": "softmax_attention", "num_heads": 4, "key_value_heads": 4},
        "ffn": {"part": "mlp", "activation": "gelu", "ratio": 4.0},
        "norm": {"part": "rmsnorm", "epsilon": 1e-6},
        "residual": {"part": "pre_norm"},
    },
    "optim": {"part": "adamw", "rate": 0.003, "betas": [0.9, 0.95], "decay": 0.1},
    "budget": {"steps": 300, "batch": 16, "context": 128},
}
COSTS = {
    "parameters": 812_544,
    "flops_per_token": 5_310_976,
    "seconds_per_step": 0.0412,
    "tokens_per_second": 49_709.0,
    "peak_memory_bytes": 312_475_648,
}


def curve(seed: int, final: float, name: str = "base") -> dict:
    """Make one run: a falling loss that ends at the final score."""
    noise = random.Random(f"{seed}-{name}")
    steps = range(2, 301, 2)

    def score(step: int) -> float:
        return final + 5.7 * math.exp(-step / 28) + 0.8 * (1 - step / 300) ** 1.5

    train = [[s, score(s) * math.log(2) + noise.gauss(0, 0.05)] for s in steps]
    evaluation = [[s, score(s) + noise.gauss(0, 0.004) * (s < 300)] for s in range(20, 301, 20)]
    return {"seed": seed, "train": train, "evaluation": evaluation}


def base_score(seed: int) -> float:
    """Give the base's final score on a seed."""
    return 2.31 + random.Random(seed).gauss(0, 0.012)


def study(name: str, question: str, arms: list[dict], seeds: int = 12, **changes: object) -> dict:
    """Make a whole report around some arms."""
    base = {"name": "base", "config": CONFIG, "costs": dict(COSTS)}
    base["curves"] = [curve(seed, base_score(seed)) for seed in range(1, seeds + 1)]
    cells = [
        {
            "id": f"{random.Random(f'{arm}{seed}').getrandbits(64):016x}",
            "arm": arm,
            "seed": seed,
            "status": "finished",
            "seconds": 12.4,
            "reused": arm == "base" and seed < 3,
        }
        for arm in ["base", *(arm["name"] for arm in arms)]
        for seed in range(1, seeds + 1)
    ]
    report = {
        "schema": 1,
        "name": name,
        "question": question,
        "study_id": "5b0c2f9e8d7a4c31",
        "status": "complete",
        "declared_at": "2026-08-01T09:12:44+00:00",
        "finished_at": "2026-08-01T09:19:02+00:00",
        "grade": "screen",
        "unit": "bits per byte",
        "margin": 0.02,
        "margin_text": "10 % compute, by the base's own curve",
        "alpha": 0.05,
        "design": {"name": "flat", "looks": LOOKS, "levels": [0.0168] * 4},
        "base": base,
        "arms": arms,
        "slope": {"value": 0.31, "standard_error": 0.012, "budgets": [150, 300]},
        "totals": {
            "cells": len(cells),
            "cells_reused": sum(cell["reused"] for cell in cells),
            "tokens": 614_400 * len(cells),
            "core_seconds": 12.4 * len(cells),
        },
        "reproduce": ["partbench compare " + " ".join(f"--swap {arm['name']}" for arm in arms)],
        "provenance": {
            "partbench": "0.1.0",
            "torch": "2.13.0",
            "python": "3.11.7",
            "platform": "Linux-6.1-x86_64",
            "machine": {
                "processor": "Intel Xeon @ 2.60GHz",
                "cores": 2,
                "memory_bytes": 8_326_000_000,
            },
            "numerics": {"precision": "float32", "attention": "fused", "threads": 1},
            "corpus": {
                "name": "tiny_shakespeare",
                "sha256": "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
                "bytes": 1_115_394,
            },
            "cells": cells,
        },
    }
    return {**report, **changes}


def arm(
    name: str,
    diff: list[tuple],
    word: str | None,
    shift: float,
    spread: float,
    half: float,
    pairs: int,
    **more: object,
) -> dict:
    """Make an arm whose differences scatter around a shift."""
    noise = random.Random(name)
    drawn = [noise.gauss(0, 1) for _ in range(pairs)]
    middle = sum(drawn) / pairs if pairs else 0.0
    differences = [shift + spread * (value - middle) for value in drawn]
    rows = []
    for seed, difference in enumerate(differences, 1):
        score = base_score(seed)
        rows.append(
            {
                "seed": seed,
                "fold": seed,
                "base": score,
                "arm": score + difference,
                "difference": difference,
                "status": "finished",
                "reason": "",
            }
        )
    curves = [curve(pair["seed"], pair["arm"], name) for pair in rows]
    slower = more.pop("slower", 1.04)
    seconds_shift = shift + 0.15 * (slower - 1)
    found = {
        "word": word,
        "sign": "",
        "difference": shift,
        "low": shift - half,
        "high": shift + half,
        "level": 0.9832,
        "pairs": pairs,
        "look": LOOKS.index(pairs) + 1 if pairs in LOOKS else 0,
        "p": 0.00213,
        "p_sign_flip": 2 / 2**pairs,
        "correlation": 0.5,
        "sd_difference": spread,
        "multiplier": {
            "value": math.exp(-shift / 0.35),
            "low": math.exp((-shift - half) / 0.35),
            "high": math.exp((-shift + half) / 0.35),
        },
        "seconds": {
            "word": more.pop("word_in_time", word),
            "difference": seconds_shift,
            "low": seconds_shift - half * 1.1,
            "high": seconds_shift + half * 1.1,
        },
        "settle": None,
        "diverged": {"base": 0, "arm": 0},
    }
    slot, part = name.split("=")
    made = {
        "name": name,
        "diff": [{"path": path, "base": old, "arm": new} for path, old, new in diff],
        "verdict": found,
        "pairs": rows,
        "costs": {
            "parameters": 814_080,
            "flops_per_token": 5_320_192,
            "seconds_per_step": 0.0412 * slower,
            "tokens_per_second": 49_709.0 / slower,
            "peak_memory_bytes": 318_767_104,
            "time_ratio": slower,
            "time_ratio_low": slower - 0.012,
            "time_ratio_high": slower + 0.013,
        },
        "liveness": [
            {
                "slot": slot,
                "part": part,
                "parameters": 526_848,
                "moved": 0.31,
                "gradient_share": 0.42,
                "reset_cost": 0.4127,
                "alive": True,
                "note": "",
            }
        ],
        "curves": curves,
    }
    made["verdict"].update(more)
    return made


SWIGLU = [
    ("model.ffn.part", "mlp", "swiglu"),
    ("model.ffn.activation", "gelu", None),
    ("model.ffn.ratio", 4.0, 2.6667),
]


def one_better() -> dict:
    """One arm, decided as better at the first look."""
    swiglu = arm("ffn=swiglu", SWIGLU, "better", -0.067, 0.015, 0.026, 4)
    return study("swiglu", "Does a gated feed-forward layer help at equal tokens?", [swiglu], 4)


def several_arms() -> dict:
    """Four arms: better, worse with a diverged pair, equivalent, inconclusive and dead."""
    worse = arm(
        "position=none",
        [("model.position.part", "rotary", "none"), ("model.position.theta", 10000.0, None)],
        "worse",
        0.142,
        0.021,
        0.034,
        6,
        slower=0.97,
        diverged={"base": 0, "arm": 1},
    )
    worse["pairs"][4].update(
        arm=None, difference=None, status="diverged", reason="loss was not finite at step 184"
    )
    worse["curves"][4]["train"][91:] = [[184, float("nan")]]
    worse["curves"][4]["evaluation"] = worse["curves"][4]["evaluation"][:9]
    worse["liveness"] = []
    equivalent = arm(
        "norm=layernorm",
        [("model.norm.part", "rmsnorm", "layernorm"), ("model.norm.epsilon", 1e-6, 1e-5)],
        "equivalent",
        -0.0021,
        0.008,
        0.0074,
        12,
        slower=1.03,
    )
    open_question = arm(
        "residual=hyper_connections",
        [
            ("model.residual.part", "pre_norm", "hyper_connections"),
            ("model.residual.streams", None, 4),
        ],
        "inconclusive",
        -0.0124,
        0.026,
        0.0223,
        12,
        slower=1.18,
        settle=[5, 9],
        word_in_time="inconclusive",
    )
    open_question["verdict"]["multiplier"] = None
    open_question["liveness"][0].update(
        moved=0.0, gradient_share=0.0, reset_cost=0.0, alive=False, note="no gradient arrived"
    )
    swiglu = arm("ffn=swiglu", SWIGLU, "better", -0.067, 0.015, 0.016, 8)
    question = "Which of four published changes to the recipe are worth having on a laptop?"
    return study("recipe", question, [swiglu, worse, equivalent, open_question])


def under_way() -> dict:
    """A study that has just begun: nothing is known yet."""
    waiting = arm("ffn=swiglu", SWIGLU, None, 0.0, 0.0, 0.0, 0)
    numbers = ("difference", "low", "high", "p", "p_sign_flip", "correlation", "sd_difference")
    waiting["verdict"].update(dict.fromkeys((*numbers, "multiplier", "seconds")))
    waiting["costs"].update(dict.fromkeys(waiting["costs"]), parameters=814_080)
    waiting["liveness"] = []
    report = study(
        "swiglu", "Does a gated feed-forward layer help?", [waiting], 0, status="under way"
    )
    return {**report, "finished_at": None, "slope": None}


def identical() -> dict:
    """An arm that is the base under another name: every difference is exactly zero."""
    copy = arm("ffn=mlp_again", [], "equivalent", 0.0, 0.0, 0.0, 4, slower=1.0)
    copy["verdict"].update(correlation=1.0, p=1.0, p_sign_flip=1.0, multiplier=None)
    copy["verdict"]["seconds"] = None
    copy["curves"] = [curve(seed, base_score(seed)) for seed in range(1, 5)]
    return study("copy", "Is the bench quiet when nothing was changed?", [copy], 4)

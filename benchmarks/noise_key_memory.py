"""Bits per byte against bytes held: the noise view beside Kneser-Ney, order by order.

    python benchmarks/noise_key_memory.py [--steps 40] [--evaluation-tokens 4096] [--seed 1]
                                          [--json]

Both learn from the same windows of the embedded text and are scored on the same held-out fold.
Bytes are those of the arrays each saves; the noise-key model's must be those of its formula.
"""

import argparse
import json
from typing import Any

import torch

from partbench.core.dims import resolve
from partbench.models.ngram import NGram
from partbench.models.noise_key import NoiseKey
from partbench.parts.probability.softmax import Softmax
from partbench.tasks.language import Language

ARMS: dict[str, dict[str, Any]] = {
    "counts of noise": {"experts": ["markov"]},
    "counts of noise, codes alone": {"experts": ["markov"], "through": "codes"},
    "three experts": {},
}


def main() -> None:
    """Parse the command line, fit, score, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--evaluation-tokens", type=int, default=4096)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="all of it as data")
    chosen = parser.parse_args()
    dims = resolve(depth=1, context=64, vocab=256)
    task = Language(dims, evaluation_tokens=chosen.evaluation_tokens)
    batches = [task.batch(chosen.seed, step, 16) for step in range(chosen.steps)]
    rows = []
    for order in range(1, 7):
        model = NGram(dims, order=order)
        model.fit(batches)
        held = sum(buffer.numel() * buffer.element_size() for buffer in model.buffers())
        rows.append({"model": "Kneser-Ney", "order": order, "bytes": held, **scored(model, task,
                     chosen.seed)})  # fmt: skip
    for name, settings in ARMS.items():
        for order in range(1, 5):
            torch.manual_seed(chosen.seed)
            noise = NoiseKey(dims, Softmax, order=order, **settings)
            noise.fit(batches)
            assert noise.memory.nbytes == noise.memory.memory_formula()
            rows.append({"model": name, "order": order, "bytes": noise.memory.nbytes,
                         **scored(noise, task, chosen.seed)})  # fmt: skip
    if chosen.json:
        print(json.dumps({"asked": vars(chosen), "rows": rows}, indent=1))
        return
    for row in rows:
        print(f"{row['model']:30s} order {row['order']}  {row['bytes']:>10,} bytes  "
              f"{row['bits_per_byte']:.4f} bits per byte")  # fmt: skip


def scored(model: Any, task: Language, seed: int) -> dict[str, float]:
    """Bits per byte on the held-out fold."""
    bits, count = 0.0, 0.0
    for batch in task.evaluation(seed, 64):
        own, units = task.tally(model.score(batch), batch)
        bits, count = bits + own, count + units
    return {"bits_per_byte": bits / count}


if __name__ == "__main__":
    main()

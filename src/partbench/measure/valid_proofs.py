"""The share of problems whose proof, written greedily by a model, the checker calls valid.

    valid = problems solved / problems asked,  with Clopper and Pearson's interval at 95 %
    exact = those of them written token for token like the generator's proof

All problems are written side by side, one token a step, each from its own problem's end.
Paper of the interval: Clopper and Pearson 1934.
"""

from typing import Any

import numpy as np
import torch

from partbench.models.contract import Decoder
from partbench.symbolic.vocabulary import END, PAD
from partbench.tasks.symbolic import Symbolic


@torch.no_grad()
def written(model: Decoder, asked: list[list[int]], most: int) -> list[list[int]]:
    """What `model` writes after each of `asked`, without <end>; with it at most `most` tokens."""
    rows = np.full((len(asked), most), PAD, np.int64)
    for row, ids in zip(rows, asked, strict=True):
        row[: len(ids)] = ids
    ends = np.array([len(ids) for ids in asked])
    done = np.zeros(len(asked), bool)
    state = model.begin(len(asked), most)
    for place in range(most - 1):
        logits, state = model.step(torch.from_numpy(rows[:, place : place + 1]), state)
        own = (ends <= place + 1) & ~done
        rows[own, place + 1] = logits[:, -1].argmax(-1).cpu().numpy()[own]
        done |= own & (rows[:, place + 1] == END)
        if done.all():
            break
    return [_until_end(row[end:].tolist()) for row, end in zip(rows, ends, strict=True)]


def _until_end(ids: list[int]) -> list[int]:
    return ids[: ids.index(END)] if END in ids else ids


def valid_proofs(model: Any, task: Symbolic, seed: int) -> dict[str, Any]:
    """{"asked", "valid", "exact", "interval"} of a trained model on the problems of pair `seed`.

    Empty where the model has no `begin` and `step`.
    """
    if not isinstance(model, Decoder):
        return {}
    held = task.held_out(seed)
    sequences = [task.sequence(found) for found in held]
    asked = [ids[:start].tolist() for ids, start in sequences]
    answers = written(model, asked, task.context + 1)
    valid = sum(task.solved(found, ids) for found, ids in zip(held, answers, strict=True))
    exact = sum(
        ids == wanted[start:-1].tolist()
        for ids, (wanted, start) in zip(answers, sequences, strict=True)
    )
    return {
        "asked": len(held),
        "valid": valid / len(held),
        "exact": exact / len(held),
        "interval": clopper_pearson(valid, len(held)),
    }


def clopper_pearson(successes: int, trials: int, alpha: float = 0.05) -> list[float]:
    """[lower, upper] bounds of a share, exact: at least 1 - alpha whatever the share is."""
    from scipy.stats import beta

    lower = beta.ppf(alpha / 2, successes, trials - successes + 1) if successes else 0.0
    upper = 1.0
    if successes < trials:
        upper = beta.ppf(1 - alpha / 2, successes + 1, trials - successes)
    return [float(lower), float(upper)]

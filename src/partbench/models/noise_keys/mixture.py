"""Experts that share: weights follow who was right, and nobody is ever quite forgotten.

    w_(t+1, e)  ~  (1 - alpha) w_(t, e) p_e(x_t) / sum  +  alpha w_(0, e)

Paper: Herbster and Warmuth 1998, "Tracking the best expert" (fixed share, to the prior).
Source: the note measures "which is closest to the correct output": those wins are the prior w_0.
"""

import numpy as np

Array = np.ndarray


def weights(seen: Array, prior: Array, alpha: float) -> Array:
    """Weights before each step, float64 [rows, time, experts].

    seen: p_e of the token that then came, [rows, time, experts]; row t moves the weights of t + 1.
    """
    rows, time, _ = seen.shape
    found = np.empty_like(seen)
    now = np.tile(prior, (rows, 1))
    for step in range(time):
        found[:, step] = now
        now = now * seen[:, step]
        total = now.sum(1, keepdims=True)
        now = np.where(total > 0, now / np.where(total > 0, total, 1), prior)
        now = (1 - alpha) * now + alpha * prior
    return found


def wins(chances: Array) -> Array:
    """How often each expert gave the right token the most, [steps, experts] -> int64 [experts].

    Of equals the first wins.
    """
    return np.bincount(chances.argmax(1), minlength=chances.shape[1])

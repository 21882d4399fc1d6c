"""A trainer that knows nothing of partbench: it takes a seed and prints a number.

    partbench verdict 'python train.py --seed {seed}' 'python train.py --seed {seed} --momentum' \
        --metric val_loss --margin 0.01

Logistic regression by gradient descent on two noisy clouds, in plain numpy. The seed draws the
data, the starting values and the order of the batches.
"""

import argparse

import numpy as np

DIMENSIONS, SAMPLES, BATCH = 20, 512, 32


def main() -> None:
    """Train once and print the loss on samples that were not trained on."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--rate", type=float, default=0.05)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--momentum", action="store_true", help="the new idea")
    options = parser.parse_args()

    # One stream for each purpose: an option that draws nothing leaves all draws where they were.
    data, start, order = np.random.default_rng(options.seed).spawn(3)
    direction = data.normal(size=DIMENSIONS) / DIMENSIONS**0.5
    inputs = data.normal(size=(2 * SAMPLES, DIMENSIONS))
    labels = (inputs @ direction + 0.3 * data.normal(size=2 * SAMPLES) > 0).astype(float)
    weights = 0.1 * start.normal(size=DIMENSIONS)
    velocity = np.zeros(DIMENSIONS)
    for step in range(1, options.steps + 1):
        rows = order.integers(0, SAMPLES, BATCH)
        guess = probability(inputs[rows], weights)
        gradient = inputs[rows].T @ (guess - labels[rows]) / BATCH
        velocity = (0.9 if options.momentum else 0.0) * velocity + gradient
        weights -= options.rate * velocity
        if step % 20 == 0:
            print(f"step {step} val_loss={loss(inputs[SAMPLES:], labels[SAMPLES:], weights):.6f}")


def probability(inputs: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Chance of the label 1."""
    return 1 / (1 + np.exp(-inputs @ weights))


def loss(inputs: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> float:
    """Mean cross-entropy in nats."""
    right = np.where(labels == 1, probability(inputs, weights), 1 - probability(inputs, weights))
    return float(-np.log(np.clip(right, 1e-12, 1)).mean())


if __name__ == "__main__":
    main()

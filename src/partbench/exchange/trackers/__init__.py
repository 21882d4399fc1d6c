"""Trackers: other programs that keep and show curves. None of them comes near a training run.

A process of its own (`follow.py`) reads the metrics that cells write anyway and hands them on, so a
tracker can neither change a bit of a run nor slow or fail it. One file a tracker; each is imported
in that process alone.
"""

import importlib
import importlib.util
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from partbench.core.errors import ConfigError, unknown

TRACKERS = {
    "tensorboard": "TensorBoard",
    "wandb": "WeightsAndBiases",
    "trackio": "Trackio",
    "mlflow": "MLflow",
}
"""Name (also of the file, of the package it needs, and of the extra that brings it) -> class."""


@dataclass(frozen=True)
class Run:
    """One run as a tracker hears of it: its address, names for people, and its configuration.

    reading: how its folder is read where it is no cell's; empty for cells.
    """

    id: str
    study: str
    arm: str
    seed: int
    folder: str
    config: dict[str, Any]
    reading: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.arm}, seed {self.seed}"


class Tracker(Protocol):
    """One run in one tracker. `folder`: the study's, for trackers that write files."""

    def __init__(self, run: Run, folder: Path) -> None:
        """Begin the run; without a network too."""

    def log(self, step: int, values: dict[str, float]) -> None:
        """Numbers of one step; steps only rise."""

    def end(self, status: str, summary: dict[str, float]) -> None:
        """The run is over: finished, diverged, failed, or stopped; its last numbers."""


def check(name: str) -> None:
    """ConfigError where there is no such tracker, or its package is not installed."""
    if name not in TRACKERS:
        raise unknown("tracker", name, "--track", TRACKERS)
    if importlib.util.find_spec(name) is None:
        raise ConfigError(f"--track {name}: not installed; pip install 'partbench[{name}]'")


def tracker(name: str) -> type[Tracker]:
    """The class of a tracker; imports its package."""
    check(name)
    module = importlib.import_module(f"partbench.exchange.trackers.{name}")
    return getattr(module, TRACKERS[name])

"""A home whose machine was never measured: its profile is written by hand."""

import os
from pathlib import Path

import pytest

from partbench.measure import machine

RATES = {"float32": 100.0, "bfloat16": 60.0}


def hand_made_profile() -> dict[str, object]:
    """Figures of a made-up machine: float32, fused attention, two cells side by side."""
    steps = [
        {
            "precision": precision,
            "attention": path,
            "processes": processes,
            "threads": threads,
            "seconds": processes / (gain * rate),
            "steps_per_second": gain * rate,
        }
        for precision, rate in RATES.items()
        for path in ("fused", "explicit")
        for processes, threads, gain in ((1, 1, 1.0), (2, 1, 1.9), (1, 2, 1.3))
    ]
    attention = [
        {
            "precision": precision,
            "context": context,
            "threads": 1,
            "fused": 1.0,
            "explicit": 1.2,
            "better": "fused",
        }
        for precision in RATES
        for context in (64, 256, 1024)
    ]
    sizes = {"depth": 3, "width": 96, "context": 64, "batch": 16}
    return machine.profile({"steps": steps, "attention": attention, "rates": [], "sizes": sizes})


@pytest.fixture
def measured_home(tmp_path: Path) -> dict[str, str]:
    """The environment of processes whose home holds that profile."""
    home = tmp_path / "home"
    machine.write(hand_made_profile(), home / machine.FILE)
    return {**os.environ, "PARTBENCH_HOME": str(home)}

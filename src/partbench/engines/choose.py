"""The engine a command line names, with what it needs checked before anything runs."""

import importlib.util
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from partbench.core.errors import InputError, unknown
from partbench.core.numerics import Numerics
from partbench.engines import Engine

NEEDS = {"local": "", "ray": "ray", "slurm": "submitit"}
"""Engine -> the package it needs; the extra has the engine's name."""


def chosen(name: str, slots: int, numerics: Numerics) -> Callable[[Path], Engine]:
    """What makes the engine, given the folder for its logs. `slots`: cells this machine runs side
    by side, of one rank each; Slurm's queue decides for itself.

    Raises InputError (one line) for an unknown engine and where its package or sbatch is missing.
    """
    if name not in NEEDS:
        raise unknown("engine", name, "--engine", NEEDS)
    needed = NEEDS[name]
    if needed and importlib.util.find_spec(needed) is None:
        raise InputError(
            f'--engine {name}: {needed} is not installed; pip install "partbench[{name}]"'
        )
    threads = numerics.threads * numerics.ranks
    slots = max(1, slots // numerics.ranks)
    gpus = numerics.ranks if numerics.device == "cuda" else 0
    if name == "ray":
        from partbench.engines.ray import Ray

        return partial(Ray, slots, threads, gpus=gpus)
    if name == "slurm":
        if shutil.which("sbatch") is None:
            raise InputError(
                "--engine slurm: no sbatch on the path; run this on a login node of the cluster"
            )
        from partbench.engines.slurm import Slurm

        return partial(Slurm, threads, gpus=gpus)
    from partbench.engines.local import Local

    return partial(Local, slots, threads)

"""How a process computes: threads, allocator, precision. Set before the first tensor."""

import ctypes
import os
import sys
from contextlib import AbstractContextManager, nullcontext

from partbench.core import rng
from partbench.core.numerics import Numerics

MMAP_THRESHOLD, TRIM_THRESHOLD = -3, -1  # names of mallopt's options in glibc's malloc.h


def keep_freed_memory() -> bool:
    """Tell glibc to keep large buffers that are freed, instead of giving them back at once.

    By default each large tensor costs page faults anew, 7-25 % of a training step on Linux CPUs.
    Returns whether there was a glibc to tell; elsewhere nothing is done.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return False
    largest = 2**31 - 1
    return bool(mallopt(MMAP_THRESHOLD, largest) and mallopt(TRIM_THRESHOLD, largest))


def thread_environment(threads: int) -> dict[str, str]:
    """Environment for a worker that computes with `threads`: waiting threads must not spin."""
    return {**os.environ, "OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "PASSIVE"}


def settle(numerics: Numerics) -> None:
    """Fix this process's threads and allocator."""
    import torch

    keep_freed_memory()
    torch.set_num_threads(numerics.threads)


def reseed(numerics: Numerics, seed: int, *names: str | int) -> None:
    """Start torch's own random stream from `names`, for parts that draw (dropout)."""
    import torch

    number = rng.uniform_seed(seed, *names)
    # torch.manual_seed would note a stack trace for every device that there is not, each time.
    torch.default_generator.manual_seed(number)
    if numerics.device != "cpu":
        getattr(torch, numerics.device).manual_seed(number)


def autocast(numerics: Numerics) -> AbstractContextManager[object]:
    """The context in which a forward pass runs at the numerics' precision."""
    import torch

    if numerics.precision == "bfloat16":
        return torch.autocast(numerics.device, dtype=torch.bfloat16)
    return nullcontext()

"""Peak memory of a piece of work, e.g. building a model and taking two training steps.

    peak = most memory resident while the work runs - memory resident before it

Meant for a fresh process that has imported all it needs: a heap that was large once hides what
comes later. Linux can reset its high-water mark; elsewhere the mark of the whole process counts,
so that work smaller than what came before reads as 0. On a GPU, torch's own allocator is asked.
"""

import re
import resource
import sys
from collections.abc import Callable
from pathlib import Path

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def peak_bytes(work: Callable[[], object], device: str = "cpu") -> int:
    """Bytes that `work` needs at its peak, on top of what was there before."""
    if device == "cuda":
        return _peak_on_gpu(work)
    can_reset = _reset_mark()
    before = _status_bytes("VmRSS") if can_reset else highest_so_far()
    work()
    after = _status_bytes("VmHWM") if can_reset else highest_so_far()
    return max(0, after - before)


def _peak_on_gpu(work: Callable[[], object]) -> int:
    import torch

    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    work()
    torch.cuda.synchronize()
    return max(0, torch.cuda.max_memory_allocated() - before)


def _reset_mark() -> bool:
    """Set this process's high-water mark to what is resident now; False where that cannot be."""
    try:
        CLEAR.write_text("5")  # man 5 proc: resets VmHWM
        return True
    except OSError:
        return False


def _status_bytes(field: str) -> int:
    found = re.search(rf"^{field}:\s+(\d+) kB", STATUS.read_text(), re.MULTILINE)
    return 1024 * int(found.group(1)) if found else 0


def highest_so_far() -> int:
    """Most bytes that this process ever had resident."""
    highest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return highest if sys.platform == "darwin" else 1024 * highest  # bytes on macOS, else KiB

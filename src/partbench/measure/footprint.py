"""How much memory a piece of work would take, found without taking it.

    bytes alive = sum of the storages that live after each operation;   peak = their largest sum

The work runs on torch's fake tensors, which have shapes and types but no numbers, so a model that
would fill the machine is weighed in a second. What only the numbers decide (which expert a token
goes to) cannot be known so: then `Unknowable` is raised. Buffers inside kernels are not seen.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Unknowable(Exception):
    """The work depends on numbers that fake tensors do not have."""


class Scale(TorchDispatchMode):
    """Bytes of all storages that were made while it is entered: alive (at most), and the peak."""

    def __init__(self) -> None:
        super().__init__()
        self.alive = self.peak = 0
        self._known: dict[int, tuple[StorageWeakRef, int]] = {}

    def __torch_dispatch__(
        self, function: Any, kinds: Any, given: Any = (), named: Any = None
    ) -> Any:
        out = function(*given, **(named or {}))
        for one in tree_leaves(out):
            if isinstance(one, torch.Tensor):
                self._note(one)
        # What was freed is looked for only where there could be a new peak: to a hundredth.
        if self.alive > 1.01 * self.peak:
            self.peak = max(self.peak, self.settle())
        return out

    def settle(self) -> int:
        """Bytes alive, exactly: those that were freed are taken off."""
        gone = [place for place, (reference, _) in self._known.items() if reference.expired()]
        for place in gone:
            self.alive -= self._known.pop(place)[1]
        return self.alive

    def _note(self, tensor: torch.Tensor) -> None:
        storage = tensor.untyped_storage()
        place = storage._cdata
        known = self._known.get(place)
        if known is not None and not known[0].expired():
            return
        if known is not None:
            self.alive -= known[1]
        self._known[place] = (StorageWeakRef(storage), storage.nbytes())
        self.alive += storage.nbytes()


@contextmanager
def weighed() -> Iterator[Scale]:
    """Tensors made inside are fake, and the scale knows their bytes. Raises Unknowable."""
    try:
        # A kernel without a fake form would run for real, and take what is to be weighed.
        with (
            FakeTensorMode(allow_fallback_kernels=False, allow_non_fake_inputs=True),
            Scale() as scale,
        ):
            yield scale
    except (DataDependentOutputException, NotImplementedError, RuntimeError) as error:
        raise Unknowable(" ".join(str(error).split())[:200]) from error


def peak_of(work: Callable[[], object]) -> int:
    """Bytes alive at the peak of `work`, which builds all its tensors itself."""
    with weighed() as scale:
        work()
    return scale.peak

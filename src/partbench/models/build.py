"""The lab: from a resolved configuration to a model whose every starting value is named."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from partbench.core import rng
from partbench.core.dims import Dims
from partbench.core.factory import Factory
from partbench.core.menu import find
from partbench.core.numerics import Numerics
from partbench.core.picture import Picture
from partbench.core.roles import DRAWN, Role
from partbench.models import accounting
from partbench.models.contract import Network

Tree = dict[str, Any]


def build(
    tree: Tree, *, vocab: int, seed: int, numerics: Numerics, picture: Picture | None = None
) -> Network:
    """The model of a resolved configuration, initialised for `seed`.

    vocab, picture: what the task says of its answers and, where it has pictures, of their size.

    Draws depend on (seed, parameter name, shape) alone, so two models that differ in one part
    start with every other number equal. torch's global random state is left as it was.
    """
    dims = Dims(**tree["dims"], vocab=vocab)
    lab: dict[str, Any] = {"dims": dims, "numerics": numerics}
    if picture is not None:
        lab["picture"] = picture
    choice = tree["model"]
    part = find("model", choice["part"])

    path: list[str] = []
    built: Counter[str] = Counter()

    @contextmanager
    def drawing(place: str) -> Iterator[None]:
        """Whatever an outsider's part draws for itself depends on the seed and its place alone:
        the parts it is built inside of, its slot and layer, and how many were built there before.
        """
        here = "/".join([*path, place])
        path.append(f"{place} {built[here]}")
        built[here] += 1
        try:
            with torch.random.fork_rng(devices=[]):
                torch.default_generator.manual_seed(rng.uniform_seed(seed, "build", *path))
                yield
        finally:
            path.pop()

    factories: dict[str, Any] = {
        slot: Factory(slot, choice[slot], lab, drawing) for slot in part.slots
    }
    model: Network = Factory("model", choice, lab, drawing)(**factories)
    initialise(model, Factory("init", tree["init"], lab)(), seed, dims)
    wide = torch.float64 if numerics.precision == "float64" else torch.float32
    return model.to(device=numerics.device, dtype=wide)


@torch.no_grad()
def initialise(model: nn.Module, init: Any, seed: int, dims: Dims) -> None:
    """Fill every drawn role with the init part's value of the parameter's own draw.

    With m = dims.width_ratio, hidden matrices (read, write) are divided by sqrt(m), routers by m.
    """
    shrink = {Role.READ: dims.width_ratio**-0.5, Role.WRITE: dims.width_ratio**-0.5}
    shrink[Role.ROUTER] = 1 / dims.width_ratio
    for name, role in accounting.roles(model).items():
        parameter = model.get_parameter(name)
        if role in DRAWN:
            draw = torch.from_numpy(rng.normal(seed, name, tuple(parameter.shape)))
            parameter.copy_(init.value(draw, role) * shrink.get(role, 1.0))
        elif role is Role.BIAS:
            parameter.zero_()  # nn.Linear draws its bias from the global state

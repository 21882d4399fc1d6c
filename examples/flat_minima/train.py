"""Is the minimum flatter? Train to a given training loss, then print the Hessian's top and trace.

    partbench verdict 'python train.py {seed}' 'python train.py {seed} --mode hyper' \
        --metric top --margin 1 [--name hyper]

Both arms stop at the first step whose mean loss over all training pictures is at most `--loss`, so
that sharpness is compared at equal training loss; a run that does not get there prints nan, which
counts as diverged. The Hessian is that of the first `--pictures` training pictures.
"""

import argparse

import torch

from partbench.core.cell import Cell
from partbench.core.dims import Dims
from partbench.core.factory import Factory
from partbench.core.numerics import Numerics
from partbench.data.batch import Batch
from partbench.measure.probes.sharpness import sharpness
from partbench.models import accounting
from partbench.models.build import build
from partbench.study.addressed import cell_of
from partbench.study.spec import base_config
from partbench.tasks.build import build_task
from partbench.tasks.contract import offered

EVERY = 20


def main() -> None:
    """Train one network and say how sharp its minimum is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("seed", type=int)
    parser.add_argument("--mode", default="none", help="of conditioning: none, hyper or static")
    parser.add_argument("--rate", type=float, default=0.01)
    parser.add_argument("--loss", type=float, default=0.1, help="nats a picture to stop at")
    parser.add_argument("--most", type=int, default=4000, help="steps at most")
    parser.add_argument("--pictures", type=int, default=256, help="of the Hessian")
    parser.add_argument("--corpus", default="digits")
    parser.add_argument("--model", default="cnn_a")
    parser.add_argument("--width", type=int, default=64)
    given = parser.parse_args()
    torch.set_num_threads(1)
    recipe = {"part": "conditioned", "inner": "sgd", "mode": given.mode, "rate": given.rate}
    config = base_config("images").edit(
        {
            "task.corpus": given.corpus,
            "model": given.model,
            "dims.depth": 2,
            "dims.width": given.width,
            "init": {"part": "fan_in", "variance": 1 / 3},
            "optimizer": recipe,
        }
    )
    train(cell_of(config, given.seed, Numerics()), given)


def train(cell: Cell, given: argparse.Namespace) -> None:
    """Steps at a constant rate until the loss is reached, then the Hessian."""
    tree, task = cell.config, build_task(cell.config)
    model = build(tree, seed=cell.seed, numerics=cell.how, **offered(task))
    lab = {"dims": Dims(**tree["dims"], vocab=task.vocab)}
    recipe = Factory("optimizer", tree["optimizer"], lab)()
    optimizer = recipe.build(dict(model.named_parameters()), accounting.roles(model))
    for group in optimizer.param_groups:
        group["lr"] = recipe.rate * group["share"]
    # The first round of batches, which holds each training picture once.
    known = task.batch(cell.seed, 0, len(task.folds.training(cell.seed)))
    for step in range(given.most):
        if step % EVERY == 0 and mean_loss(model, known) <= given.loss:
            some = Batch(*(item[: given.pictures] for item in known))
            found = sharpness(model, some)
            print(f"steps={step} loss={found.loss:.5f} top={found.top:.5f} trace={found.trace:.5f}")
            return
        model.score(task.batch(cell.seed, step, 32)).mean().backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    print("top=nan trace=nan")


@torch.no_grad()
def mean_loss(model: torch.nn.Module, known: Batch) -> float:
    """Nats a picture over all of `known`."""
    pieces = zip(*(item.split(512) for item in known), strict=True)
    scores = [model.score(Batch(*piece)) for piece in pieces]
    return sum(float(score.nll.sum()) for score in scores) / len(known.targets)


if __name__ == "__main__":
    main()

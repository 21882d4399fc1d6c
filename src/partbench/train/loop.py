"""The trainer: from a cell to its record, through kills and restarts, to the same bits.

    for each phase the model declares:  fit  = one pass over the batches, counting or algebra
                                        train = steps of: rate, forward, backward, clip, update
    batches are a pure function of (seed, step), so a run taken up again at step k goes on as if
    it had never stopped (same bits on one machine type at one thread a rank, else 1e-5)

Evaluation and checkpoints are timed apart and not charged.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn

from partbench.core import cell as names
from partbench.core.cell import Cell
from partbench.core.dims import Dims
from partbench.core.errors import CheckpointError
from partbench.core.factory import Factory
from partbench.core.training import updates
from partbench.data.batch import Batch
from partbench.models import accounting
from partbench.models.build import build
from partbench.models.contract import Fitted, Network
from partbench.optim import Judged
from partbench.tasks.build import build_task
from partbench.tasks.contract import Task, offered
from partbench.train import checkpoint
from partbench.train.evaluate import to_device
from partbench.train.inspection import Looks, held_out_loss, inspected
from partbench.train.measures import evaluated
from partbench.train.metrics import Metrics
from partbench.train.parallel import Ranks, whole
from partbench.train.process import autocast, reseed
from partbench.train.unchanged import check_code, check_corpus

CHECKPOINT_SECONDS = 10.0
"""Time between checkpoints; when they fall does not change a bit of the result."""
RISEN = 1.01  # times its first loss, or that of guessing, at which a run's last has risen

Progress = Callable[[int, int, float], bool]
"""Told (step, steps, loss) after each step; answers whether to stop here, checkpoint saved."""


class Stopped(Exception):
    """The run was asked to stop; its checkpoint is saved and it can be taken up again."""


class Diverged(Exception):
    """The loss is no number any more, or the model ended worse than it began."""


class Run:
    """One cell being trained in `folder`.

    `train()` returns what the record needs. Raises Stopped where `progress` says so on any rank.
    """

    def __init__(
        self, cell: Cell, folder: Path, progress: Progress | None = None, ranks: Ranks | None = None
    ) -> None:
        self.cell = cell
        self.folder = folder
        self.progress = progress
        self.settings = cell.config["train"]
        self.numerics = cell.how
        self.ranks = ranks or Ranks(self.numerics)
        self.numerics.check_training(self.settings)
        check_code(cell)
        self.task: Task = build_task(cell.config, cell.seed)
        check_corpus(cell, self.task)
        self.dims = Dims(**cell.config["dims"], vocab=self.task.vocab)
        self.model = self.ranks.shard(self.fresh())
        self.roles = accounting.roles(self.model)
        self.optimizer = self._optimizer() if "train" in type(self.model).PHASES else None
        self.schedule = Factory("schedule", cell.config["schedule"], {})()
        self.start = 0
        self.seconds = dict.fromkeys(("train", "evaluate", "checkpoint", "probe"), 0.0)
        self.evaluations: list[list[float]] = []
        self.measured: list[list[Any]] = []
        self.first: float | None = None  # the first loss, and a running mean of the recent ones
        self.recent = 0.0
        self.warnings: list[str] = []
        self.looks = Looks(self, [])
        self._take_up()
        self.ranks.agree(self.model, self.start)
        self.hooks = {name: self._hooks(name) for name in ("before_step", "after_step")}

    def fresh(self) -> Network:
        """The model as it starts: a pure function of the cell."""
        config, seed = self.cell.config, self.cell.seed
        return build(config, seed=seed, numerics=self.numerics, **offered(self.task))

    def train(self) -> dict[str, Any]:
        """Run every phase; returns what the record says of the outcome."""
        path = self.folder / names.METRICS if self.ranks.first else None
        metrics = Metrics(path, self.start)
        try:
            self._begin_from_data()
            for phase in type(self.model).PHASES:
                getattr(self, f"_{phase}")(metrics)
        finally:
            metrics.flush()
        score = self.evaluations[-1][1]
        if not math.isfinite(score):
            raise Diverged("the score on held-out data is not a number")
        self.ranks.agree(self.model, self.settings["steps"])
        self.model = self.ranks.gathered(self.model, self.fresh)
        if not self.ranks.first:
            return {}
        return {"score": score, "evaluations": self.evaluations, **inspected(self)}

    def _begin_from_data(self) -> None:
        """What parts (`begin_from`) and the init part (`fit`) take from the batches."""
        init = Factory("init", self.cell.config["init"], {"dims": self.dims})()
        parts: list[Any] = [m for m in self.model.modules() if hasattr(m, "begin_from")]
        fits = hasattr(init, "fit")
        if self.start or not (parts or fits):  # taken up later, it came with the checkpoint
            return
        began = time.perf_counter()
        for part in parts:
            part.begin_from(to_device(b, self.numerics) for b in self._batches())
        if fits:
            init.fit(self.model, self.roles, (to_device(b, self.numerics) for b in self._batches()))
        self.seconds["train"] += time.perf_counter() - began
        self._evaluate(0)

    def _fit(self, metrics: Metrics) -> None:
        if self.start:  # taken up in the middle of the steps: what was fitted came with it
            return
        began = time.perf_counter()
        cast(Fitted, self.model).fit(
            to_device(b, self.numerics) for b in self._batches()
        )  # its PHASES say so
        self.seconds["train"] += time.perf_counter() - began
        if self.optimizer is not None:  # steps follow, and with them their own lines
            self._evaluate(0)
            return
        self._evaluate(self.settings["steps"])
        loss = held_out_loss(self.cell, self.task, self.model).item()
        metrics.add(step=self.settings["steps"] - 1, loss=loss)

    def _train(self, metrics: Metrics) -> None:
        steps = self.settings["steps"]
        due = {
            round(steps * (i + 1) / self.settings["evaluations"])
            for i in range(self.settings["evaluations"])
        }
        saved = time.monotonic()
        for step in range(self.start, steps):
            weights = self.looks.before(step + 1)
            began = time.perf_counter()
            loss, norm, rate = self._step(step, steps)
            taken = time.perf_counter() - began
            self.seconds["train"] += taken
            metrics.add(step=step, loss=loss, rate=rate, gradient_norm=norm, seconds=taken)
            if not (math.isfinite(loss) and math.isfinite(norm)):
                raise Diverged(f"the loss is {loss} and the gradient norm {norm} at step {step}")
            self.recent = loss if self.first is None else 0.95 * self.recent + 0.05 * loss
            self.first = loss if self.first is None else self.first
            self.looks.after(step + 1, weights)
            if step + 1 in due:
                self._evaluate(step + 1)
            late = self.ranks.first and time.monotonic() - saved > CHECKPOINT_SECONDS
            stop, late = self.ranks.either(self._asked(step + 1, steps, loss), late)
            if (stop or late) and step + 1 < steps:
                metrics.flush()
                self._save(step + 1)
                saved = time.monotonic()
                if stop:
                    raise Stopped
        if isinstance(self.optimizer, Judged):
            self.optimizer.settle()
        # A model that begins fitted may stay there, one that hardly learns wanders about its start.
        if self.first and self.recent > RISEN * max(self.first, math.log(self.task.vocab)):
            raise Diverged(f"the loss rose from {self.first:.3f} to {self.recent:.3f} over the run")

    def _step(self, step: int, steps: int) -> tuple[float, float, float]:
        assert self.optimizer is not None
        count = updates(self.settings, step)
        rate = self.recipe.rate * self.schedule.multiplier(step, steps) * count**-0.5
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["share"]
        batch = self.task.batch(self.cell.seed, step, self.settings["batch"])
        loss = total = 0.0
        for place, own in enumerate(zip(*(item.chunk(count) for item in batch), strict=True)):
            # Parts may draw (dropout): each update from its own stream, whatever was drawn before.
            names = ("step", step, *(("update", place) if place else ()))
            reseed(self.numerics, self.cell.seed, *names)
            for hook in self.hooks["before_step"]:
                hook(step, steps)
            mean, total = self._update(Batch(*own), names)
            for hook in self.hooks["after_step"]:
                hook(step, steps)
            loss += mean / count
        return loss, total, rate

    def _update(self, batch: Batch, names: tuple[str | int, ...]) -> tuple[float, float]:
        """One update of the weights; the mean nll and the gradient norm before it."""
        assert self.optimizer is not None
        add = self.ranks.counting(self.model)
        loss = self._backward(batch, names)
        add()
        clip = self.settings["clip"]
        gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
        norm = nn.utils.get_total_norm(gradients, foreach=True)
        total = whole(norm).item()
        if clip and total > clip:  # below it nothing is cut, and one pass over memory is saved
            nn.utils.clip_grads_with_norm_(self.model.parameters(), clip, norm, foreach=True)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return loss.item(), total

    def _backward(self, batch: Batch, names: tuple[str | int, ...]) -> torch.Tensor:
        """Gradients of the mean loss, shares and micro-batches as in one batch; the mean nll."""
        # A smaller batch takes fewer micro-batches, none smaller than those of the whole.
        pieces = max(1, self.settings["accumulate"] * len(batch.inputs) // self.settings["batch"])
        weight = batch.weights.sum().clamp_min(1e-9)
        loss = torch.zeros(())
        for share, own in self.ranks.cut(batch):
            if self.ranks.shares > 1:
                reseed(self.numerics, self.cell.seed, *names, "rank", share)
            for piece in zip(*(item.chunk(pieces) for item in own), strict=True):
                with autocast(self.numerics):
                    score = self.model.score(to_device(Batch(*piece), self.numerics))
                    nll = (score.nll * score.weights).sum() / weight.to(score.nll.device)
                    extra = sum(score.extra.values(), nll.new_zeros(()))
                    extra = extra / (pieces * self.ranks.shares)
                self.ranks.charged(nll + extra).backward()
                loss = loss + nll.detach().cpu()
        return self.ranks.add(list(self.model.parameters()), loss)

    def _hooks(self, name: str) -> list[Callable[[int, int], None]]:
        """The model's hooks of that name; asking every module at each step takes a millisecond."""
        return [getattr(m, name) for m in self.model.modules() if hasattr(m, name)]

    def _batches(self) -> Iterator[Batch]:
        steps = self.settings["steps"]
        for step in range(steps):
            yield self.task.batch(self.cell.seed, step, self.settings["batch"])
            if self.ranks.either(self._asked(step + 1, steps, math.nan))[0]:
                raise Stopped

    def _asked(self, step: int, steps: int, loss: float) -> bool:
        """Tell this rank's listener where the run is; whether it wants it to stop."""
        return self.progress is not None and self.progress(step, steps, loss)

    def _evaluate(self, step: int) -> None:
        began = time.perf_counter()
        with self.as_judged():
            self.evaluations.append([step, evaluated(self, step)])
        self.seconds["evaluate"] += time.perf_counter() - began

    def as_judged(self) -> AbstractContextManager[None]:
        """The context in which the model's weights are those that its optimiser would hand out."""
        return self.optimizer.judged() if isinstance(self.optimizer, Judged) else nullcontext()

    def _optimizer(self) -> torch.optim.Optimizer:
        self.recipe = Factory("optimizer", self.cell.config["optimizer"], {"dims": self.dims})()
        return self.recipe.build(dict(self.model.named_parameters()), self.roles)

    def _save(self, step: int) -> None:
        began = time.perf_counter()
        self.ranks.agree(self.model, step)
        facts = {
            "cell": self.cell.id,
            "step": step,
            "seconds": self.seconds,
            "evaluations": self.evaluations,
            "measured": self.measured,
            "losses": [self.first, self.recent],
            "looks": self.looks.rows,
        }
        path = self.folder / names.CHECKPOINT
        checkpoint.write(path, self.model, self.optimizer, facts, self.ranks.first)
        self.seconds["checkpoint"] += time.perf_counter() - began

    def _take_up(self) -> None:
        path = self.folder / names.CHECKPOINT
        if not path.exists() or self.optimizer is None:
            return
        try:
            facts = checkpoint.restore(path, self.cell.id, self.model, self.optimizer)
        except CheckpointError as error:
            self.warnings.append(f"{error}; begun anew")
            path.unlink(missing_ok=True)
            self.model = self.ranks.shard(self.fresh())
            self.optimizer = self._optimizer()
            return
        self.start = facts["step"]
        self.seconds |= facts["seconds"]
        self.evaluations, self.measured = facts["evaluations"], facts.get("measured", [])
        self.first, self.recent = facts["losses"]
        self.looks.rows = facts.get("looks", [])  # older checkpoints have none

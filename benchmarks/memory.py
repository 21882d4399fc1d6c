"""Peak memory of a training step against the peers', and of the loss at a large vocabulary.

    python benchmarks/memory.py [--shape 11m] [--precision bfloat16] [--times 3] [--threads 2]
                                [--vocab 50257] [--tokens 4096] [--json] [--out FILE.svg]

peak    building the model and three steps, in a fresh process that has loaded its libraries: most
        memory resident, less what was before; every peer as it ships
logits  the head's loss and its gradient, for as many tokens as a step has: the largest tensor with
        the vocabulary on its last axis, and the most bytes of such tensors alive at once, watched
        operation by operation; and the peak of the same on a head that makes all logits at once
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lines import Line, of_values, parser, short, tell
from train_step import OURS, PEERS, SHAPES, environment

from partbench.core.errors import CellError
from partbench.measure import kernels, machine
from partbench.measure.workers import Worker, serve, settings

STEPS = 3
ATTENTION = {"bfloat16": "explicit", "float32": "fused"}
PEER = [sys.executable, str(Path(__file__).with_name("peers.py"))]
WIDTH = 384
Row = dict[str, Any]


def main() -> None:
    """Parse the command line, measure, print."""
    made = parser(__doc__)
    made.add_argument("--shape", choices=SHAPES, default="11m")
    made.add_argument(
        "--precision", nargs="+", choices=kernels.PRECISIONS, default=list(kernels.PRECISIONS)
    )
    made.add_argument("--peers", nargs="*", choices=PEERS, default=PEERS)
    made.add_argument("--times", type=int, default=3, help="fresh processes of each")
    made.add_argument("--threads", type=int, default=len(machine.cores()))
    made.add_argument("--vocab", type=int, default=50257)
    made.add_argument("--tokens", type=int, default=4096)
    chosen = made.parse_args()
    found = [
        line
        for precision in chosen.precision
        for line in steps(chosen.shape, precision, chosen.times, chosen.threads, chosen.peers)
    ]
    found += logits(chosen.vocab, chosen.tokens, chosen.threads)
    tell(chosen, found, shape=SHAPES[chosen.shape])


def steps(shape: str, precision: str, times: int, threads: int, peers: Sequence[str]) -> list[Line]:
    """A line a peer: its peak over partbench's, and ours in bytes."""
    how = {
        "shape": SHAPES[shape],
        "precision": precision,
        "attention": ATTENTION[precision],
        "threads": threads,
        "memory_steps": STEPS,
    }
    peaks: dict[str, list[int]] = {}
    for _ in range(times):
        for peer in (OURS, *peers):
            own = {**how, "peer": peer, "keep_freed_memory": peer == OURS}
            worker = Worker(PEER, own, environment(threads))
            try:
                peaks.setdefault(peer, []).append(worker.facts["peak_bytes"])
            except CellError:
                continue
            finally:
                worker.close()
    ours = peaks.pop(OURS)
    least = min(peaks, key=lambda peer: min(peaks[peer]), default=None)
    return [
        of_values(
            [theirs / own for theirs, own in zip(found, ours, strict=True)],
            target=4,
            what=f"peak memory of {peer}'s step over partbench's, {shape}, {precision}",
            goal=1.0 if peer == least else None,
        )
        for peer, found in peaks.items()
    ] + [
        of_values(
            [peak / 2**20 for peak in ours],
            target=4,
            what=f"peak memory of partbench's step, {shape}, {precision}",
            goal=None,
            unit="MiB",
            at_least=False,
        )
    ]


def logits(vocab: int, tokens: int, threads: int) -> list[Line]:
    """How much of all logits the loss holds at a time."""
    how = {"vocab": vocab, "tokens": tokens, "threads": threads}
    found: dict[str, Row] = {}
    for form in ("chunked", "whole"):
        with Worker([sys.executable, __file__], {**how, "form": form}) as worker:
            found[form] = worker.facts
    ours, whole = found["chunked"], found["whole"]
    return [
        Line(
            target=4,
            what=f"largest tensor over a vocabulary of {vocab:,}, in chunks of logits",
            value=ours["largest"] / ours["chunk"],
            goal=1.0,
            at_least=False,
            said=f"{short(ours['largest'])} numbers; all logits are {short(tokens * vocab)}",
        ),
        Line(
            target=4,
            what="such tensors alive at once (logits and what their gradient is made in)",
            value=ours["alive"] / (4 * ours["chunk"]),
            goal=None,
            at_least=False,
            said=f"{short(ours['alive'] / 2**20)} MiB against "
            f"{short(whole['alive'] / 2**20)} MiB for all logits at once",
        ),
        Line(
            target=4,
            what="peak memory of a loss that makes all logits over the chunked one",
            value=whole["peak_bytes"] / ours["peak_bytes"],
            goal=None,
            said=f"{short(whole['peak_bytes'] / 2**20)} and "
            f"{short(ours['peak_bytes'] / 2**20)} MiB, {tokens} tokens",
        ),
    ]


def work() -> None:
    """In a worker: the loss and its gradient, watched, then its peak."""
    import torch

    from partbench.measure import memory
    from partbench.parts.head.cross_entropy import CHUNK, cross_entropy, logits

    how = settings()
    torch.set_num_threads(how["threads"])
    tokens, vocab = how["tokens"], how["vocab"]
    x = torch.randn(1, tokens, WIDTH, requires_grad=True)
    weight = (0.02 * torch.randn(vocab, WIDTH)).requires_grad_()
    targets = torch.randint(0, vocab, (1, tokens))

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16):
            if how["form"] == "chunked":
                losses = cross_entropy(x, weight, targets, None)[0]
            else:
                scores = logits(x, weight, None)
                found = scores.gather(-1, targets.unsqueeze(-1)).squeeze(-1)
                losses = scores.logsumexp(-1) - found
            losses.mean().backward()
        x.grad = weight.grad = None

    with watched(vocab) as seen:
        step()
    peak = memory.peak_bytes(step)
    chunk = max(1, CHUNK // vocab) * vocab
    facts = {"largest": seen.largest, "alive": seen.most, "chunk": chunk, "peak_bytes": peak}
    serve({}, facts)


def watched(vocab: int) -> Any:
    """A dispatch mode that counts the bytes of living tensors [any, vocab], the weight left out."""
    from torch.multiprocessing.reductions import StorageWeakRef
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_leaves

    class Mode(TorchDispatchMode):
        def __init__(self) -> None:
            super().__init__()
            self.largest = self.most = 0
            self.known: dict[int, tuple[Any, int]] = {}

        def __torch_dispatch__(
            self, function: Any, kinds: Any, given: Any = (), named: Any = None
        ) -> Any:
            out = function(*given, **(named or {}))
            for one in tree_leaves(out):
                # The weight turned round is [width, vocab], a view.
                if getattr(one, "ndim", 0) > 1 and one.shape[-1] == vocab != one.shape[-2] != WIDTH:
                    self.note(one)
            return out

        def note(self, tensor: Any) -> None:
            self.largest = max(self.largest, tensor.numel())
            storage = tensor.untyped_storage()
            self.known[storage._cdata] = (StorageWeakRef(storage), storage.nbytes())
            self.known = {k: v for k, v in self.known.items() if not v[0].expired()}
            self.most = max(self.most, sum(size for _, size in self.known.values()))

    return Mode()


if __name__ == "__main__":
    work() if "PARTBENCH_WORKER" in os.environ else main()

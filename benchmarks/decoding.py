"""Cached decoding against Hugging Face's `generate`, same weights, in turn; and along windows.

    python benchmarks/decoding.py [--shape 11m] [--batch 1 16] [--prompt 64] [--tokens 64]
                                  [--rounds 5] [--steps 4] [--threads 2] [--longest 2048]
                                  [--json] [--out FILE.svg]

ours    `exchange.generation.continued`, what `partbench generate` runs, temperature 0
theirs  the same weights as a Llama (`exchange.huggingface.write`), `generate` without sampling
Both in float32, as a model folder is loaded; their tokens are compared, for ties alone may part
them. Windows: seconds a token at growing lengths of what was read, with a window and without one;
flat means that the last length costs what the first does.
"""

import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from lines import Line, compared, exponent, parser, short, tell
from train_step import SHAPES, environment

from partbench.core.errors import CellError
from partbench.measure import machine
from partbench.measure.timing import interleave
from partbench.measure.workers import Worker, serve, settings

VOCAB, WINDOW = 256, 64
GOAL, FLAT = 1.5, 1.1
OURS, THEIRS = "partbench", "hugging_face"
Row = dict[str, Any]


def main() -> None:
    """Parse the command line, time, print."""
    made = parser(__doc__)
    made.add_argument("--shape", choices=SHAPES, default="11m")
    made.add_argument("--batch", type=int, nargs="+", default=[1, 16])
    made.add_argument("--prompt", type=int, default=64, help="tokens before the first new one")
    made.add_argument("--tokens", type=int, default=64, help="new tokens a call")
    made.add_argument("--rounds", type=int, default=5)
    made.add_argument("--steps", type=int, default=4, help="calls of a block")
    made.add_argument("--threads", type=int, default=len(machine.cores()))
    made.add_argument("--longest", type=int, default=2048, help="of the windows' texts")
    chosen = made.parse_args()
    found, rows = [], []
    with tempfile.TemporaryDirectory() as folder:
        for batch in chosen.batch:
            found += against(batch, chosen, Path(folder) / str(batch))
    lengths = [128 * 2**i for i in range(12) if 128 * 2**i <= chosen.longest]
    for name, window in (("a window of 64", WINDOW), ("no window", None)):
        seconds = by_length(window, lengths, chosen)
        rows += [{"x": n, "y": 1000 * s, "of": name} for n, s in seconds.items()]
        flat = Line(
            target=5,
            what=f"time a token after {lengths[-1]} tokens over that after {lengths[0]}, {name}",
            value=seconds[lengths[-1]] / seconds[lengths[0]],
            goal=FLAT if window else None,
            at_least=False,
            count=chosen.rounds * chosen.steps,
            said=f"exponent {exponent(dict(seconds)):.2f}",
        )
        found.append(flat)
    curve = {"title": "Decoding", "x": "tokens before", "y": "ms a token", "rows": rows}
    tell(chosen, found, shape=SHAPES[chosen.shape], curves=[curve] if len(lengths) > 1 else [])


def against(batch: int, chosen: Any, folder: Path) -> list[Line]:
    """Ours against theirs at one batch size; theirs reads what ours wrote."""
    how = {
        "shape": SHAPES[chosen.shape],
        "folder": str(folder),
        "batch": batch,
        "prompt": chosen.prompt,
        "tokens": chosen.tokens,
        "threads": chosen.threads,
    }
    with ExitStack() as stack:
        workers = {}
        for who in (OURS, THEIRS):
            own = environment(chosen.threads)
            worker = Worker([sys.executable, __file__], {**how, "who": who}, own)
            stack.callback(worker.close)
            try:
                _ = worker.facts  # ours first: it writes the folder
            except CellError:
                print("transformers is not installed, left out", file=sys.stderr)
                return []
            workers[who] = worker
        timings = interleave(
            {who: w.block("generate", threads=chosen.threads) for who, w in workers.items()},
            rounds=chosen.rounds,
            steps=chosen.steps,
            warm_up=1,
        )
        ours, theirs = (workers[who].facts["said"] for who in (OURS, THEIRS))
    pairs = [(a, b) for own, other in zip(ours, theirs, strict=True)
             for a, b in zip(own, other, strict=True)]  # fmt: skip
    alike = sum(a == b for a, b in pairs) / len(pairs)
    line = compared(
        timings, THEIRS, OURS, target=5, goal=GOAL,
        what=f"decoding {chosen.shape}, batch {batch}: as fast as Hugging Face's generate",
    )  # fmt: skip
    speed = {who: batch * chosen.tokens / timings.median(who) for who in workers}
    said = f"{short(speed[OURS])} against {short(speed[THEIRS])} tokens/s"
    return [
        Line(
            **{**line.__dict__, "said": f"{said}, {100 * alike:.0f} % of tokens alike; {line.said}"}
        )
    ]


def by_length(window: int | None, lengths: list[int], chosen: Any) -> dict[int, float]:
    """Seconds of a step after so many tokens, all lengths in turn in one process."""
    how = {
        "shape": {**SHAPES[chosen.shape], "context": lengths[-1] + 4096},
        "window": window,
        "lengths": lengths,
        "threads": chosen.threads,
        "who": "windows",
    }
    with Worker([sys.executable, __file__], how, environment(chosen.threads)) as one:
        timings = interleave(
            {str(n): one.block(str(n), threads=chosen.threads) for n in lengths},
            rounds=max(5, chosen.rounds),
            steps=chosen.steps,
        )
    return {n: timings.median(str(n)) for n in lengths}


def ours(how: Row) -> tuple[Any, list[list[int]]]:
    """partbench's model, written as a Llama too; what it says and a step that says it."""
    import torch

    from partbench.exchange import huggingface
    from partbench.exchange.generation import Sampling, continued
    from partbench.exchange.trained import Trained

    model, tree, numerics = built(how)
    trained = Trained(
        tree=tree,
        vocab=VOCAB,
        weights=model.state_dict(),
        numerics=numerics,
        coder=None,
        name="benchmark",
    )
    huggingface.write(huggingface.LAYOUTS["llama"], trained, Path(how["folder"]))
    begun = list(prompts(how))
    assert torch.get_num_threads() == how["threads"]

    def step() -> list[list[int]]:
        said: list[list[int]] = [[] for _ in begun]
        for row, token in continued(model, "it", begun, how["tokens"], Sampling(temperature=0.0)):
            said[row].append(token)
        return said

    return step, step()


def theirs(how: Row) -> tuple[Any, list[list[int]]]:
    """Hugging Face's Llama from the folder that ours has written."""
    import torch
    from transformers import LlamaForCausalLM

    model = LlamaForCausalLM.from_pretrained(how["folder"]).eval()
    begun = prompts(how)
    sizes = {"max_new_tokens": how["tokens"], "min_new_tokens": how["tokens"]}

    def step() -> list[list[int]]:
        with torch.no_grad():
            out = model.generate(
                begun, attention_mask=torch.ones_like(begun), do_sample=False, **sizes
            )
        return out[:, how["prompt"] :].tolist()

    return step, step()


def built(how: Row, **mixer: Any) -> tuple[Any, Row, Any]:
    """A model with random weights, its tree and its numerics."""
    from partbench.core.config import Config
    from partbench.core.numerics import Numerics
    from partbench.models.build import build

    dims = {name: how["shape"][name] for name in ("depth", "width", "num_heads", "context")}
    tree = Config({"dims": dims}).edit(mixer).resolved
    numerics = Numerics(threads=how["threads"])
    return build(tree, vocab=VOCAB, seed=0, numerics=numerics).eval(), tree, numerics


def prompts(how: Row) -> Any:
    """The same random prompts for both [batch, prompt]."""
    import torch

    draw = torch.Generator().manual_seed(0)
    return torch.randint(0, VOCAB, (how["batch"], how["prompt"]), generator=draw)


def windows(how: Row) -> dict[str, Any]:
    """A block a length: the next token after so many, which go on growing by a few."""
    import torch

    mixer = {"model.mixer.window": how["window"]} if how["window"] else {}
    model, _, _ = built(how, **mixer)
    longest = how["lengths"][-1]
    tokens = torch.zeros(1, longest, dtype=torch.long)
    blocks: dict[str, Any] = {}
    for length in how["lengths"]:
        with torch.inference_mode():
            state = model.begin(1, longest + 4096)
            for start in range(0, length, 128):
                _, state = model.step(tokens[:, start : start + 128], state)
        blocks[str(length)] = stepping(model, state, tokens[:, :1])
    return blocks


def stepping(model: Any, state: Any, token: Any) -> Any:
    """A block that goes on from a state."""
    import torch

    from partbench.measure.timing import clocked

    def step() -> None:
        nonlocal state
        with torch.inference_mode():
            _, state = model.step(token, state)

    return clocked(step)


def work() -> None:
    """In a worker: ours, theirs or the windows."""
    import torch

    from partbench.measure.timing import clocked
    from partbench.train.process import keep_freed_memory

    how = settings()
    torch.set_num_threads(how["threads"])
    if how["who"] == "windows":
        keep_freed_memory()
        serve(windows(how))
        return
    if how["who"] == OURS:
        keep_freed_memory()
    step, said = (ours if how["who"] == OURS else theirs)(how)
    serve({"generate": clocked(step)}, {"said": said})


if __name__ == "__main__":
    work() if "PARTBENCH_WORKER" in os.environ else main()

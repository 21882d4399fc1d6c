"""The training step of each peer at one shape: the worker that `train_step.py` asks for steps.

Each as it ships with its sensible settings for a CPU: fused AdamW, gradient norm clipped at 1,
torch's fused attention, rotary positions, RMSNorm, SwiGLU, no dropout, no biases. Peers get their
tokens for free; partbench takes its real trainer's step, data included.
"""

import importlib
import importlib.metadata
import sys
import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import nn

from partbench.measure import memory
from partbench.measure.timing import clocked
from partbench.measure.workers import serve, settings
from partbench.train.process import keep_freed_memory

VOCAB = 256
RATE = 1e-3
WARM = {"depth": 1, "width": 32, "num_heads": 1, "context": 32, "batch": 2}
"""A shape whose step loads all that a step needs."""

Step = Callable[[], object]


def partbench(shape: dict[str, int], how: dict[str, Any]) -> tuple[nn.Module, Step]:
    """The bench's own Transformer++ in its own trainer."""
    import dataclasses

    from partbench.core.cell import Cell
    from partbench.core.config import Config
    from partbench.core.numerics import Numerics
    from partbench.train.loop import Run

    dims = {name: shape[name] for name in ("depth", "width", "num_heads", "context")}
    config = Config({"dims": dims, "train": {"batch": shape["batch"]}})
    numerics = Numerics(
        precision=how["precision"], attention=how["attention"], threads=how["threads"]
    )
    cell = Cell(
        config=config.resolved,
        seed=0,
        numerics=dataclasses.asdict(numerics),
        torch=torch.__version__,
    )
    with tempfile.TemporaryDirectory() as folder:  # steps alone write nothing
        run = Run(cell, Path(folder))
    return run.model, lambda: run._step(0, 400)


def hugging_face(shape: dict[str, int], how: dict[str, Any]) -> tuple[nn.Module, Step]:
    """Hugging Face's Llama with its fused attention."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=VOCAB,
        hidden_size=shape["width"],
        intermediate_size=_hidden(shape),
        num_hidden_layers=shape["depth"],
        num_attention_heads=shape["num_heads"],
        num_key_value_heads=shape["num_heads"],
        max_position_embeddings=shape["context"],
        tie_word_embeddings=False,
        use_cache=False,
        attn_implementation="sdpa",
    )
    model = LlamaForCausalLM(config)
    # It shifts the labels itself, so it gets the same number of targets less one.
    return model, _step(model, how, lambda tokens: model(tokens, labels=tokens).loss, shape)


def x_transformers(shape: dict[str, int], how: dict[str, Any]) -> tuple[nn.Module, Step]:
    """x-transformers' decoder with the flags its author recommends."""
    from x_transformers import AutoregressiveWrapper, Decoder, TransformerWrapper

    inner = Decoder(
        dim=shape["width"],
        depth=shape["depth"],
        heads=shape["num_heads"],
        attn_dim_head=shape["width"] // shape["num_heads"],
        attn_flash=True,
        rotary_pos_emb=True,
        use_rmsnorm=True,
        ff_glu=True,
        ff_swish=True,
        ff_no_bias=True,
        ff_mult=_hidden(shape) / shape["width"],
    )
    model = AutoregressiveWrapper(
        TransformerWrapper(
            num_tokens=VOCAB,
            max_seq_len=shape["context"],
            attn_layers=inner,
            use_abs_pos_emb=False,
        )
    )
    return model, _step(model, how, model, {**shape, "context": shape["context"] + 1})


PEERS = {
    "partbench": (partbench, "partbench"),
    "hugging_face": (hugging_face, "transformers"),
    "x_transformers": (x_transformers, "x-transformers"),
}
"""Name -> what builds its step, the package it needs."""


def _version(package: str) -> str:
    if package == "partbench":  # it may be run from its source, without having been installed
        return importlib.import_module(package).__version__
    return importlib.metadata.version(package)


def _hidden(shape: dict[str, int]) -> int:
    return max(8, 8 * round(shape["width"] / 3))  # 8/3 of the width, as SwiGLU's users do


def _step(
    model: nn.Module, how: dict[str, Any], loss_of: Callable[..., Any], shape: dict[str, int]
) -> Step:
    tokens = torch.randint(0, VOCAB, (shape["batch"], shape["context"]))
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=RATE, betas=(0.9, 0.95), weight_decay=0.1, fused=True
    )
    autocast = torch.autocast("cpu", torch.bfloat16)

    def step() -> None:
        with autocast if how["precision"] == "bfloat16" else nullcontext():
            loss = loss_of(tokens)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        loss.item()

    return step


def taken(
    build: Callable[[], tuple[nn.Module, Step]], steps: int | None
) -> tuple[tuple[nn.Module, Step], int | None]:
    """What `build` makes, and where steps are asked for the peak bytes of both."""
    kept: list[tuple[nn.Module, Step]] = []

    def work() -> None:
        kept.append(build())
        for _ in range(steps or 0):
            kept[0][1]()

    if steps is None:
        work()
        return kept[0], None
    peak = memory.peak_bytes(work)
    return kept[0], peak


def main() -> None:
    """Serve one peer's step, as the driver's settings say."""
    how = settings()
    build, package = PEERS[how["peer"]]
    torch.set_num_threads(how["threads"])
    torch.manual_seed(0)
    if how["keep_freed_memory"]:
        keep_freed_memory()
    try:
        if "memory_steps" in how:  # libraries are loaded first, and are not the step's
            build(WARM, how)[1]()
        made, peak = taken(lambda: build(how["shape"], how), how.get("memory_steps"))
    except ImportError as error:
        print(f"{how['peer']}: not installed ({error})", file=sys.stderr)
        sys.exit(77)
    model, step = made
    facts = {
        "peak_bytes": peak,
        "parameters": sum(p.numel() for p in model.parameters()),
        "version": _version(package),
        "torch": torch.__version__,
    }
    serve({"step": clocked(step)}, facts)


if __name__ == "__main__":
    main()

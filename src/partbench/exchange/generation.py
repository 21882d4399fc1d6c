"""Continuing texts with a trained model: from its caches, several prompts at once.

    p ~ softmax(z / temperature) over the top k, of these the fewest whose shares reach p

Prompts of several lengths are padded on the left where every part of the model can leave padding
out; otherwise one goes after the other. Either way a prompt's text is what it gets alone: it draws
from a stream of its own. Top p: Holtzman et al. 2019, arXiv:1904.09751.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from partbench.core import rng
from partbench.core.errors import InputError
from partbench.exchange.swift import swift
from partbench.exchange.trained import Trained, causal

STRAY = "�"


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How the next token is drawn. temperature 0: the likeliest; top_k, top_p: None is all.

    Raises InputError for a negative temperature, top_k below 1, top_p outside (0, 1].
    """

    temperature: float = 0.8
    top_k: int | None = None
    top_p: float | None = None
    seed: int = 1

    def __post_init__(self) -> None:
        if self.temperature < 0:
            raise InputError(
                f"--temperature {self.temperature:g} is negative; 0 takes the likeliest token"
            )
        if self.top_k is not None and self.top_k < 1:
            raise InputError(f"--top-k {self.top_k} is below 1; leave it out to draw from all")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise InputError(
                f"--top-p {self.top_p:g} is not in (0, 1]; leave it out to draw from all"
            )

    def draw(self, logits: np.ndarray, generator: np.random.Generator) -> int:
        """One token for logits [vocab] in float64."""
        if self.temperature == 0:
            return int(logits.argmax())
        order = np.argsort(-logits, kind="stable")[: self.top_k]
        weights = np.exp((logits[order] - logits[order[0]]) / self.temperature)
        shares = weights / weights.sum()
        if self.top_p is not None:
            enough = int(np.searchsorted(shares.cumsum(), self.top_p)) + 1
            order, shares = order[:enough], shares[:enough] / shares[:enough].sum()
        return int(generator.choice(order, p=shares))


def streams(
    trained: Trained, prompts: Sequence[str], tokens: int, sampling: Sampling
) -> Iterator[tuple[int, str]]:
    """(number of the prompt, next piece of its text), `tokens` tokens after each prompt.

    Raises InputError for an empty prompt, a model that is not causal, or beyond the length that
    the model's positions allow: before the first piece.
    """
    coder = trained.text()
    begun = [coder.encode(prompt) for prompt in prompts]
    if not all(len(start) for start in begun):
        raise InputError("--prompt is empty; give at least one character")
    if tokens < 1:
        raise InputError(f"--tokens {tokens} is below 1")
    said = [""] * len(prompts)
    ids: list[list[int]] = [[] for _ in prompts]
    for row, token in continued(trained.model(), trained.name, begun, tokens, sampling):
        ids[row].append(token)
        text = coder.decode(ids[row])
        # The middle of a character waits for the rest of it, unless there is no rest to come.
        if not text.endswith(STRAY) or len(ids[row]) == tokens:
            yield row, text[len(said[row]) :]
            said[row] = text


@torch.no_grad()
def continued(
    model: Any, name: str, begun: Sequence[Tensor], tokens: int, sampling: Sampling
) -> Iterator[tuple[int, int]]:
    """(row, token) for each of `tokens` tokens after each of `begun` (int64 [time], not empty)."""
    decoder = causal(model, name)
    generators = [rng.stream(sampling.seed, "generate", row) for row in range(len(begun))]
    for rows in batches(decoder, begun, tokens):
        lengths = [len(begun[row]) for row in rows]
        longest = max(lengths)
        quick = swift(model, len(rows), longest + tokens) if len(set(lengths)) == 1 else None
        state = None if quick is not None else begin(decoder, lengths, longest + tokens)
        together = torch.stack(
            [torch.nn.functional.pad(begun[row], (longest - len(begun[row]), 0)) for row in rows]
        )
        device = next((p.device for p in model.parameters()), torch.device("cpu"))
        for count in range(tokens):
            if quick is not None:
                last = quick.step(together.to(device))
            else:
                logits, state = decoder.step(together.to(device), state)
                last = logits[:, -1]
            scores = last.double().cpu().numpy()
            drawn = [sampling.draw(scores[i], generators[row]) for i, row in enumerate(rows)]
            yield from zip(rows, drawn, strict=True)
            together = torch.tensor(drawn).unsqueeze(1)
            if count + 1 == tokens:
                break


def batches(model: Any, begun: Sequence[Tensor], tokens: int) -> list[list[int]]:
    """Which rows are decoded together: all of them where they can be, else one by one."""
    rows = list(range(len(begun)))
    lengths = [len(start) for start in begun]
    if len(set(lengths)) > 1:
        try:
            begin(model, lengths, max(lengths) + tokens)
        except InputError:
            return [[row] for row in rows]
    return [rows]


def begin(model: Any, lengths: Sequence[int], capacity: int) -> Any:
    """The state of rows of these lengths; InputError where padding cannot be left out."""
    if len(set(lengths)) == 1:
        return model.begin(len(lengths), capacity)
    if "left_padding" not in getattr(type(model), "PROVIDES", ()):
        raise InputError(
            f"{type(model).__name__} cannot leave out padding; give one text at a time"
        )
    longest = max(lengths)
    padding = torch.tensor([longest - length for length in lengths])
    return model.begin(len(lengths), capacity, padding)

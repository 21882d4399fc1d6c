"""lm-eval's tasks on a model of ours: its `LM` interface over our caches.

Source: Gao et al., "A framework for few-shot language model evaluation" (lm-evaluation-harness,
0.4); requests and truncation as in its model `hf`. Needs the extra `evaluate`.

Every target is scored with as much text before it as `dims.context` allows: a continuation of up
to that many tokens in one window that ends with it, a longer one in several.
A text without a beginning-of-text token is scored after a line end.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from lm_eval.api.model import TemplateLM
from torch import Tensor

from partbench.core.errors import InputError, nearest
from partbench.exchange.generation import STRAY, Sampling, continued
from partbench.exchange.trained import Trained, causal


class Harness(TemplateLM):
    """What lm-eval asks of a model, answered by `trained`; `batch` windows at a time."""

    def __init__(self, trained: Trained, batch: int = 16) -> None:
        super().__init__()
        self.coder = trained.text()
        self.model = causal(trained.model(), trained.name)
        self.name = trained.name
        self.limit = int(trained.tree["dims"]["context"])
        self.batch = batch

    @property
    def eot_token_id(self) -> int:
        """A line end, for texts of ours have no token that ends them."""
        return int(self.coder.encode("\n")[-1])

    @property
    def tokenizer_name(self) -> str:
        """For lm-eval's caches."""
        return self.name

    def tok_encode(
        self, string: str, add_special_tokens: bool | None = None, **unused: Any
    ) -> list[int]:
        """The tokens of a text."""
        found: list[int] = self.coder.encode(string).tolist()
        return found

    def _loglikelihood_tokens(
        self, requests: list[tuple[tuple[str, str], list[int], list[int]]], **unused: Any
    ) -> list[tuple[float, bool]]:
        texts = [(context + answer, len(context)) for _, context, answer in requests]
        return self.score(texts)

    def loglikelihood_rolling(self, requests: list[Any], disable_tqdm: bool = False) -> list[float]:
        """Log-probability of whole texts, in nats."""
        begun = [self.tok_encode(request.args[0]) for request in requests]
        return [nats for nats, _ in self.score([([self.eot_token_id, *ids], 1) for ids in begun])]

    def generate_until(self, requests: list[Any], disable_tqdm: bool = False) -> list[str]:
        """Texts that go on until one of the words in `until`, which is left out."""
        return [self._until(*request.args) for request in requests]

    @torch.no_grad()
    def score(self, texts: Sequence[tuple[list[int], int]]) -> list[tuple[float, bool]]:
        """For (tokens, first target): the sum of the targets' log-probabilities, and whether each
        was the likeliest."""
        pieces = [
            (number, window, count)
            for number, (ids, first) in enumerate(texts)
            for window, count in windows(ids, first, self.limit)
        ]
        pieces.sort(key=lambda piece: len(piece[1]))  # rows of one length waste no padding
        nats, likeliest = [0.0] * len(texts), [True] * len(texts)
        for start in range(0, len(pieces), self.batch):
            rows = pieces[start : start + self.batch]
            longest = max(len(window) for _, window, _ in rows) - 1
            # Padding on the right: no token before it can see it.
            tokens = torch.tensor(
                [window + [0] * (longest + 1 - len(window)) for _, window, _ in rows]
            )
            logits, _ = self.model.step(tokens[:, :-1], self.model.begin(len(rows), longest))
            for row, (number, window, count) in enumerate(rows):
                asked = slice(len(window) - 1 - count, len(window) - 1)
                found = logits[row, asked].double().log_softmax(-1)
                targets: Tensor = tokens[row, 1:][asked]
                nats[number] += found.gather(-1, targets.unsqueeze(-1)).sum().item()
                likeliest[number] &= bool((found.argmax(-1) == targets).all())
        return list(zip(nats, likeliest, strict=True))

    def _until(self, context: str, wanted: dict[str, Any]) -> str:
        until = wanted.get("until") or []
        stops = [until] if isinstance(until, str) else list(until)
        room = min(int(wanted.get("max_gen_toks", 256)), max(1, self.limit // 2))
        sampled = wanted.get("do_sample", False)
        sampling = Sampling(
            temperature=float(wanted.get("temperature", 1.0)) if sampled else 0.0,
            top_k=wanted.get("top_k"),
            top_p=wanted.get("top_p"),
        )
        start = self.coder.encode(context or "\n")[-max(1, self.limit - room) :]
        ids: list[int] = []
        for _, token in continued(self.model, self.name, [start], room, sampling):
            ids.append(token)
            text = self.coder.decode(ids)
            if text.endswith(STRAY):  # the middle of a character
                continue
            if any(stop in text for stop in stops):
                return min((text.partition(stop)[0] for stop in stops), key=len)
        return self.coder.decode(ids)


def windows(ids: list[int], first: int, limit: int) -> Iterator[tuple[list[int], int]]:
    """(tokens, how many of the last are targets) so that each target from `first` on is scored
    once, after at most `limit` tokens."""
    for start in range(first, len(ids), limit):
        end = min(start + limit, len(ids))
        yield ids[max(0, end - 1 - limit) : end], end - start


def evaluate(
    trained: Trained, tasks: Sequence[str], *, shots: int | None, limit: int | None, batch: int
) -> dict[str, Any]:
    """lm-eval's results on `tasks`: its names, or YAML files of your own.

    Raises InputError for a task that is not there.
    """
    import lm_eval
    import yaml
    from lm_eval.tasks import TaskManager

    manager = TaskManager(include_defaults=not all(_is_file(task) for task in tasks))
    asked: list[Any] = []
    for task in tasks:
        if _is_file(task):
            try:
                loaded = yaml.safe_load(Path(task).read_text(encoding="utf-8"))
            except (OSError, yaml.YAMLError) as error:
                why = " ".join(str(error).split())
                raise InputError(f"--tasks {task}: cannot be read as YAML ({why})") from None
            if not isinstance(loaded, dict) or "task" not in loaded:
                raise InputError(f"--tasks {task}: has no line `task: name`")
            asked.append(loaded)
        elif found := manager.match_tasks([task]):
            asked += found
        else:
            raise InputError(f"--tasks {task}: no such task; {nearest(task, manager.all_tasks)}")
    answer = lm_eval.simple_evaluate(
        model=Harness(trained, batch),
        tasks=asked,
        num_fewshot=shots,
        limit=limit,
        task_manager=manager,
        log_samples=False,
    )
    assert answer is not None  # None is for ranks other than the first
    return {name: answer[name] for name in ("results", "n-samples", "versions")}


def rows(results: dict[str, Any]) -> list[tuple[str, str, float, float | None]]:
    """(task, metric, value, standard error) of each number in lm-eval's results."""
    found = []
    for task, values in results["results"].items():
        for key, value in values.items():
            metric, comma, kind = key.partition(",")
            if comma and isinstance(value, int | float) and not metric.endswith("_stderr"):
                error = values.get(f"{metric}_stderr,{kind}")
                known = isinstance(error, int | float)
                found.append((task, metric, float(value), float(error) if known else None))
    return found


def _is_file(task: str) -> bool:
    return task.endswith((".yaml", ".yml"))

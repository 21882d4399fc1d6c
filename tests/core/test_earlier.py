"""What is younger than the first records changes no address where it changes nothing."""

from typing import Any

import pytest

from partbench.core.config import Config, fingerprint
from partbench.core.earlier import as_first_written, as_now_written

FIRST: dict[str, Any] = {
    "task": {
        "part": "language",
        "corpus": "shakespeare",
        "tokenizer": "bytes",
        "tokenizer_vocab": 1024,
        "folds": 12,
        "holdout": "rotate",
        "evaluation_tokens": 32768,
    },
    "train": {"steps": 400, "batch": 16, "accumulate": 1, "clip": 1.0, "evaluations": 4},
}
"""Two sections of a cell of results epoch 1, as the first release wrote them."""


def first(config: Config) -> Any:
    tree = as_first_written(config.resolved)
    return {name: tree[name] for name in FIRST}


def test_the_default_task_and_training_are_written_as_they_first_were() -> None:
    assert first(Config({})) == FIRST


@pytest.mark.parametrize(
    "edit",
    [
        {"tokenizer": "bpe"},
        {"tokenizer": {"part": "bpe", "vocab": 4096}},
        {"data": "noise"},
        {"train.batch_doublings": 1},
        {"train.batch_warmup": 0.5},
        {"ffn": {"part": "mixture_of_experts", "shared": 1}},
    ],
    ids=str,
)
def test_a_younger_setting_with_another_value_is_in_the_address(edit: dict[str, Any]) -> None:
    bases = [
        Config({}),
        Config({}).edit({slot: "mixture_of_experts" for slot in edit if slot == "ffn"}),
    ]
    prints = [
        fingerprint(as_first_written(config.resolved)) for config in [*bases, bases[0].edit(edit)]
    ]
    assert prints[2] not in prints[:2]


def test_an_early_spec_is_read_as_what_it_meant_and_keeps_its_address() -> None:
    early = as_first_written(Config({}).edit(ffn=["mixture_of_experts", "mlp"]).resolved)
    assert "shared" not in early["model"]["ffn"][0]
    now = as_now_written(early)
    assert now == Config({}).edit(ffn=["mixture_of_experts", "mlp"]).resolved
    assert as_now_written(now) == now
    assert as_first_written(now) == as_first_written(early) == early

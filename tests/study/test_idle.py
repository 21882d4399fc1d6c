"""An arm that swaps what no part of its model uses is refused, and no other."""

from typing import Any

import pytest

from partbench.core.config import Config
from partbench.core.errors import ConfigError
from partbench.models import PARTS
from partbench.study.idle import check
from partbench.testing.subject import BUILT

BASE = Config({})


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (
            {"router": "sigmoid"},
            r"^arm x: .* 'router', .*; ffn=mixture_of_experts, head=mapped would$",
        ),
        ({"router.part": "sigmoid"}, r"slot 'router'"),
        ({"mixer": "short_convolution", "probability": "sparsemax"}, r"'probability'.*attention"),
        ({"mixer": ["mamba2", "short_convolution"], "probability": "relu"}, r"'probability'"),
    ],
    ids=str,
)
def test_a_swap_that_nobody_asks_for_is_refused(edit: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        check(BASE, "x", BASE.edit(edit))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "edit",
    [
        {"router": "sigmoid", "ffn": "mixture_of_experts"},
        {"probability": "sparsemax"},
        {"mixer": ["mamba2", "attention"], "probability": "sparsemax"},
        {"norm": "layernorm"},
        {"mixer": "mamba2"},
        {"model": "ngram"},
        {"model": "vit", "task": "images"},
    ],
    ids=str,
)
def test_a_swap_that_somebody_asks_for_is_not(edit: dict[str, Any]) -> None:
    check(BASE, "x", BASE.edit(edit))


def test_what_an_idle_slot_holds_in_base_and_arm_alike_is_no_matter() -> None:
    base = BASE.edit(router="sigmoid")
    check(base, "x", base.edit(ffn="mlp"))
    check(base, "x", base.edit(ffn="mixture_of_experts"))


def test_a_slot_that_the_base_does_not_have_is_not_swapped() -> None:
    base = BASE.edit(model="ngram")
    check(base, "x", base.edit(model="transformer"))


def test_a_model_hands_on_slots_of_its_own() -> None:
    for kind in PARTS.values():
        assert set(getattr(kind, "HANDED", ())) <= {*BUILT, "router"}

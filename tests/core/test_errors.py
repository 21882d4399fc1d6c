"""The errors a user reads: one line, an exit code, the nearest right word."""

import pytest

from partbench.core import errors
from partbench.core.errors import InputError, PartbenchError, nearest, unknown


def test_every_error_is_one_of_ours_and_says_how_to_exit() -> None:
    kinds = [k for k in vars(errors).values() if getattr(k, "__module__", "") == errors.__name__]
    kinds = [kind for kind in kinds if isinstance(kind, type)]
    assert len(kinds) == 8
    for kind in kinds:
        assert issubclass(kind, PartbenchError)
        assert kind.exit_code == (2 if issubclass(kind, InputError) else 1)
    tree = errors.__doc__ or ""
    assert all(kind.__name__ in tree for kind in kinds), "the tree in the docstring is not whole"


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("swiglu2", "did you mean 'swiglu'?"),
        ("SwiGLU", "did you mean 'swiglu'?"),
        ("relusquared", "did you mean 'relu_squared'?"),
        ("zzz", "one of: mlp, relu_squared, swiglu"),
    ],
)
def test_the_nearest_word_or_all_of_them(word: str, hint: str) -> None:
    assert nearest(word, ["swiglu", "mlp", "relu_squared"]) == hint


def test_nothing_to_choose_from_is_said() -> None:
    assert nearest("a", []) == "there is nothing to choose from here"


def test_an_unknown_name_says_where_what_and_what_instead() -> None:
    error = unknown("ffn", "swigl", "model.ffn", ["swiglu", "mlp"])
    assert str(error) == "model.ffn: no ffn called 'swigl'; did you mean 'swiglu'?"

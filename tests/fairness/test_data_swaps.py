"""Whatever the tokenizer and the training data are: the same text is scored, and none of it is
trained on; what the swap does not touch stays paired."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from partbench.core.config import Config
from partbench.core.errors import DataError
from partbench.core.numerics import Numerics
from partbench.data.corpora import open_corpus
from partbench.models.build import build
from partbench.tasks.build import build_task

FOLDS, CONTEXT = 4, 16
ARMS: dict[str, dict[str, Any]] = {
    "bytes": {},
    "bpe": {"tokenizer": {"part": "bpe", "vocab": 300}},
    "larger bpe": {"tokenizer": {"part": "bpe", "vocab": 340}},
    "noise": {"data": {"part": "noise", "rate": 0.1}},
    "deduplicated": {"data": {"part": "deduplicated", "unit": "line"}},
    "mixture": {"data": {"part": "mixture", "share": 0.5}},
    "noisy bpe": {"tokenizer": {"part": "bpe", "vocab": 300}, "data": "noise"},
}


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lines of words; each quarter has a word of its own, in capitals that nothing else has."""
    draws = np.random.default_rng(0)
    words = "the sea and a kïng of night who rose fell ships wind".split()
    quarters = [
        "".join(
            " ".join([*draws.choice(words, 6), mark if line % 3 == 0 else "moon"]) + "\n"
            for line in range(60)
        )
        for mark in ("QQQQ", "XXXX", "JJJJ", "VVVV")
    ]
    path = tmp_path_factory.mktemp("fair") / "text.txt"
    path.write_text("".join(quarters))
    return path


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path_factory.getbasetemp() / "data_swaps_home"
    monkeypatch.setenv("PARTBENCH_HOME", str(home))


def config(text: Path, arm: str) -> Config:
    task = {"corpus": str(text), "folds": FOLDS, "evaluation_tokens": 1600}
    return Config({"dims": {"context": CONTEXT, "depth": 1}, "task": {**task, **ARMS[arm]}})


def task(text: Path, arm: str, pair: int) -> Any:
    return build_task(config(text, arm).resolved, pair)


def scored(made: Any, pair: int) -> bytes:
    """The text of all targets that count, in order."""
    sizes = made.tokenizer.token_bytes()
    batches = list(made.evaluation(pair, 7))
    targets = torch.cat([batch.targets[batch.weights > 0] for batch in batches])
    found = made.decode(targets).encode()
    assert len(found) == sizes[targets.numpy()].sum()
    return found


@pytest.mark.parametrize("arm", [arm for arm in ARMS if arm != "bytes"])
@pytest.mark.parametrize("pair", [0, 1, 6])
def test_every_arm_is_scored_on_the_same_bytes(text: Path, arm: str, pair: int) -> None:
    expected = scored(task(text, "bytes", pair), pair)
    assert len(expected) > 90 * CONTEXT
    assert scored(task(text, arm, pair), pair) == expected


@pytest.mark.parametrize("arm", ARMS)
def test_no_arm_is_trained_on_what_is_scored(text: Path, arm: str) -> None:
    """A pair's fold is a quarter, whose word must never be seen, while the others' are."""
    for pair, mark in enumerate(("QQQQ", "XXXX", "JJJJ", "VVVV")):
        made = task(text, arm, pair)
        first, last = made.text.folds.held_out(pair)
        assert text.read_bytes().count(mark.encode(), first, last) >= 19
        rows = torch.cat([made.batch(pair, step, 32).inputs for step in range(40)])
        seen = "\n".join(made.decode(row) for row in rows)
        others = {"QQQQ", "XXXX", "JJJJ", "VVVV"} - {mark}
        # Folds are cut by bytes: a few lines of a neighbour's lie on either side.
        assert seen.count(mark) <= 0.1 * min(seen.count(other) for other in others)


def test_a_tokenizer_learns_nothing_from_the_fold_it_is_scored_on(text: Path) -> None:
    for pair, mark in enumerate(("QQQQ", "XXXX", "JJJJ", "VVVV")):
        for other in range(FOLDS):
            count = len(task(text, "larger bpe", other).encode(mark))
            assert (count >= 3) == (pair == other), (mark, pair, other, count)


def test_a_tokenizer_does_not_depend_on_the_training_data(text: Path) -> None:
    assert task(text, "noisy bpe", 1).tokenizer.identity == task(text, "bpe", 1).tokenizer.identity


def test_noise_changes_letters_and_not_places(text: Path) -> None:
    plain, noisy = (task(text, arm, 2).batch(2, 5, 64).inputs for arm in ("bytes", "noise"))
    assert 0.05 < (plain != noisy).double().mean() < 0.12


def test_a_mixture_leaves_the_other_windows_where_they_were(text: Path) -> None:
    plain, mixed = (task(text, arm, 2).batch(2, 5, 64).inputs for arm in ("bytes", "mixture"))
    same = (plain == mixed).all(1)
    assert 20 <= same.sum() <= 44
    other = open_corpus("shakespeare").data().tobytes()
    assert all(bytes(row.tolist()) in other for row in mixed[~same])


def test_other_tokenizers_read_about_the_same_places(text: Path) -> None:
    """Starts of windows as shares of the training part, in bytes."""

    def places(arm: str) -> np.ndarray:
        made = task(text, arm, 0)
        windows = made.text.without(0).windows
        (tokens,) = windows.pools[0].stretches
        before = np.concatenate([[0], np.cumsum(made.tokenizer.token_bytes()[tokens])])
        draws = np.concatenate([windows.batch(0, step, 16) for step in range(4)])
        rows = np.lib.stride_tricks.sliding_window_view(tokens, CONTEXT + 1)
        starts = [np.flatnonzero((rows == row).all(1)) for row in draws]
        return (
            np.array([before[found[0]] if len(found) == 1 else -1 for found in starts]) / before[-1]
        )

    one, other = places("bytes"), places("bpe")
    known = (one >= 0) & (other >= 0)
    assert known.sum() > 10
    assert np.corrcoef(one[known], other[known])[0, 1] > 0.995
    assert np.std(one[known]) > 0.15


@pytest.mark.parametrize("arm", ["noise", "deduplicated", "mixture"])
def test_a_swap_of_the_data_starts_from_the_same_model(text: Path, arm: str) -> None:
    def start(name: str) -> dict[str, Any]:
        made = task(text, name, 3)
        tree = config(text, name).resolved
        return build(tree, vocab=made.vocab, seed=3, numerics=Numerics()).state_dict()

    base, swapped = start("bytes"), start(arm)
    assert base.keys() == swapped.keys()
    assert all(torch.equal(base[name], swapped[name]) for name in base)


def test_a_corpus_and_a_tokenizer_that_do_not_fit_are_refused(tmp_path: Path, text: Path) -> None:
    shards = tmp_path / "shards.bin"
    shards.write_bytes(np.arange(5000, dtype="<u2").tobytes())
    ready = {"part": "ready", "vocab": 4999}
    mixed = {"part": "mixture", "corpus": str(text)}
    for settings, message in (
        ({"corpus": str(shards)}, r"holds tokens, not text; set task\.tokenizer = .*vocab"),
        ({"corpus": str(shards), "tokenizer": ready}, r"holds token 4999, .* give 5000 or more$"),
        ({"corpus": str(text), "tokenizer": "ready"}, r"holds text, not ready tokens"),
        ({"corpus": str(text), "data": mixed}, r"mixed with itself"),
    ):
        with pytest.raises(DataError, match=rf"^corpus '[\w.]+': [^\n]*{message}"):
            build_task(Config({"task": settings}).resolved)


def test_shards_are_trained_and_scored_in_tokens(tmp_path: Path) -> None:
    shards = tmp_path / "shards.bin"
    shards.write_bytes((np.arange(5000) % 700).astype("<u2").tobytes())
    settings = {"corpus": str(shards), "tokenizer": {"part": "ready", "vocab": 1000}}
    made = build_task(Config({"task": settings}).resolved, 5)
    assert (made.vocab, made.unit) == (1000, "bits per token")
    batch = made.batch(5, 0, 8)
    assert ((batch.targets - batch.inputs) % 700 == 1).all()
    assert made.decode(made.encode("31 9")) == "31 9"

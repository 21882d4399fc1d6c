"""Tokenizers and training data of one's own are held to the same promises, and used as they are."""

from pathlib import Path
from typing import Any

import pytest

from partbench.core.config import Config
from partbench.core.errors import ConfigError
from partbench.core.numerics import Numerics
from partbench.study.addressed import cell_of
from partbench.tasks.build import build_task
from partbench.testing import check_part
from partbench.train.unchanged import check_corpus

OWN = '''"""Source: this test."""
import numpy as np
from partbench.data.corpora import open_corpus
from partbench.data.stretch import Source, Stretch

class Halves:
    """Two tokens a byte."""
    vocab, identity, dtype = 16, "halves", np.uint8
    def __init__(self, *, lossy: bool = False) -> None:
        self.lossy = lossy
    def learn(self, training):
        return self
    def encode(self, data):
        raw = np.frombuffer(data, np.uint8)
        if self.lossy:
            raw = raw[raw < 128]
        return np.stack([raw >> 4, raw & 15], 1).reshape(-1)
    def decode(self, ids):
        ids = [int(i) for i in ids]
        return bytes(a << 4 | b for a, b in zip(ids[::2], ids[1::2])).decode(errors="replace")
    def token_bytes(self):
        return np.full(16, 0.5)

class Backwards:
    """From the end."""
    def __init__(self, *, spoils: bool = False) -> None:
        self.spoils, self.calls = spoils, 0
    def prepare(self, training):
        found = [np.ascontiguousarray(s.raw[::-1]) for s in training.stretches]
        return [Source(tuple(map(Stretch, found)), 0.9 if self.spoils else 1.0)]

class Other:
    """A text beside."""
    def __init__(self) -> None:
        self.corpora = (open_corpus("shakespeare"),)
    def prepare(self, training):
        other = Source((Stretch(self.corpora[0].data(), self.corpora[0].sha256),), 0.5)
        return [Source(training.stretches, 0.5), other]
'''


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.py"
    path.write_text(OWN)
    return path


def config(texts: Path, **slots: Any) -> Config:
    (texts / "tale.txt").write_text("Once upon a time. " * 300)
    task = {"corpus": str(texts / "tale.txt"), "folds": 4, "evaluation_tokens": 64, **slots}
    return Config({"dims": {"context": 8}, "task": task})


@pytest.mark.parametrize("part", ["tokenizer=Halves", "data=Backwards", "data=Other"])
def test_parts_of_ones_own_pass_the_same_checks(own: Path, part: str) -> None:
    slot, name = part.split("=")
    check_part(slot, f"{own}:{name}")


def test_a_tokenizer_that_loses_bytes_and_shares_that_do_not_sum_to_one_are_caught(own: Path):
    with pytest.raises(AssertionError, match="tokens_give_their_text_back"):
        check_part("tokenizer", f"{own}:Halves", lossy=True)
    with pytest.raises(AssertionError, match="training_data_is_a_pure_function"):
        check_part("data", f"{own}:Backwards", spoils=True)


def test_code_from_outside_runs_in_cells_alone_and_its_hash_is_in_the_address(own, texts) -> None:
    slots = {"tokenizer": f"{own}:Halves", "data": f"{own}:Other"}
    first = cell_of(config(texts, **slots), 1, Numerics())
    assert "+" not in first.corpus, "the text it brings was opened, so its code ran"
    own.write_text(OWN.replace("Two tokens", "Exactly two tokens"))
    assert cell_of(config(texts, **slots), 1, Numerics()).id != first.id
    made: Any = build_task(config(texts, **slots).resolved, 1)
    assert len(made.corpora) == 2
    check_corpus(first, made)
    (texts / "tale.txt").write_text("Another tale. " * 300)
    changed: Any = build_task(
        Config({"task": {**first.config["task"]}, "dims": {"context": 8}}).resolved, 1
    )
    with pytest.raises(ConfigError, match="its text has changed"):
        check_corpus(first, changed)


def test_a_changed_tokenizer_is_not_given_the_tokens_of_the_old_one(own, texts) -> None:
    slots = {"tokenizer": f"{own}:Halves"}
    before: Any = build_task(config(texts, **slots).resolved, 1)
    own.write_text(OWN.replace("raw >> 4, raw & 15", "raw & 15, raw >> 4"))
    after: Any = build_task(config(texts, **slots).resolved, 1)
    one, other = (made.batch(1, 0, 8).inputs for made in (before, after))
    assert (one != other).any()
    assert before.tokenizer.identity == after.tokenizer.identity


def test_a_text_that_is_mixed_in_is_in_the_address_by_content_and_not_by_folder(texts) -> None:
    found = []
    for folder in ("here", "there", "changed"):
        (texts / folder).mkdir()
        other = texts / folder / "other.txt"
        other.write_text(f"another {'word' if folder == 'changed' else 'text'} " * 300)
        data = {"part": "mixture", "corpus": str(other)}
        cell = cell_of(config(texts, data=data), 1, Numerics())
        made: Any = build_task(cell.config, 1)
        check_corpus(cell, made)
        found.append(cell.id)
    assert found[0] == found[1] != found[2]

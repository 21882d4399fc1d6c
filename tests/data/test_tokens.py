import json
import os
import subprocess
import sys

import numpy as np
import pytest

from partbench.data import cache
from partbench.data.stretch import Stretch
from partbench.data.tokenizers import BPE, Bytes, Ready
from partbench.data.tokens import open_tokens, tokens_of

TEXT = b"the cat and the dog and the rat\n" * 50


@pytest.fixture
def prose():
    return Stretch(np.frombuffer(TEXT, np.uint8))


def test_byte_tokens_and_ready_ones_are_the_stretch_itself(prose):
    assert open_tokens(prose, Bytes()) is prose.raw
    shard = Stretch(np.arange(5, dtype=np.uint16))
    assert open_tokens(shard, Ready(vocab=9)) is shard.raw


def test_tokens_are_those_of_the_whole_text(prose):
    tokenizer = BPE(vocab=280).learn([prose])
    tokens = open_tokens(prose, tokenizer)
    assert tokens.dtype == np.uint16
    assert not tokens.flags.writeable
    assert tokens.tolist() == tokenizer.encode(TEXT).tolist()
    assert tokens.tolist() == tokens_of(prose.raw, tokenizer).tolist()
    assert tokenizer.token_bytes()[tokens].sum() == len(TEXT)


@pytest.mark.parametrize(
    "damage",
    [
        lambda file, record: file.write_bytes(file.read_bytes()[: file.stat().st_size // 2]),
        lambda file, record: file.write_bytes(file.read_bytes() + b"xx"),
        lambda file, record: file.unlink(),
        lambda file, record: record.unlink(),
        lambda file, record: record.write_bytes(b""),
        lambda file, record: record.write_text(json.dumps({"tokens": "many"})),
        lambda file, record: record.write_text("7"),
        lambda file, record: record.write_text("-1"),
    ],
)
def test_a_damaged_token_file_is_noticed_and_made_anew(prose, damage):
    tokenizer = BPE(vocab=280).learn([prose])
    whole = open_tokens(prose, tokenizer).tolist()
    (file,) = cache.data_folder().glob("*.bin")
    damage(file, file.with_suffix(".json"))
    assert open_tokens(prose, tokenizer).tolist() == whole
    assert file.stat().st_size == 2 * len(whole)


BUILD = """
import hashlib, sys, time
from partbench.data.corpora import open_corpus
from partbench.data.stretch import Stretch
from partbench.data.tokenizers import BPE
from partbench.data.tokens import open_tokens
while time.time() < float(sys.argv[2]): pass
corpus = open_corpus(sys.argv[1])
stretch = Stretch(corpus.data(), corpus.sha256)
tokenizer = BPE(vocab=320).learn([stretch])
print(tokenizer.identity, hashlib.sha256(open_tokens(stretch, tokenizer).tobytes()).hexdigest())
"""


@pytest.mark.slow
def test_two_processes_may_build_the_same_cache_at_once(texts):
    import time

    (texts / "prose.txt").write_text("".join(f"line {i} of the text\n" for i in range(5000)))
    start = str(time.time() + 1.0)
    command = [sys.executable, "-c", BUILD, str(texts / "prose.txt"), start]
    both = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ)
        for _ in range(2)
    ]
    answers = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert answers[0] == answers[1]
    assert not list(cache.data_folder().glob(".*"))

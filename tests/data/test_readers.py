"""Every format gives the same corpus as its documents in plain text; what is wrong is one line."""

import gzip
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from partbench.core.errors import DataError
from partbench.data import cache
from partbench.data.corpora import open_corpus
from partbench.data.readers import files

DOCUMENTS = ["Once upon a time,\nthere was a naïve king.\n", "王 said: no.", "", "The end"]
TEXT = "Once upon a time,\nthere was a naïve king.\n\n王 said: no.\n\nThe end"


def refusal(path: Path, column: str = "text") -> str:
    with pytest.raises(DataError) as hit:
        open_corpus(str(path), column)
    assert "\n" not in str(hit.value)
    assert hit.value.exit_code == 2
    assert not list(cache.data_folder().glob("*.bin"))
    assert not list(cache.data_folder().glob(".*.partial"))
    return str(hit.value)


def lines(rows: list, end: str = "\n") -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + end for row in rows).encode()


def table(path: Path, **columns: list) -> Path:
    pyarrow = pytest.importorskip("pyarrow", reason="the extra `parquet` is not installed")
    from pyarrow import parquet

    parquet.write_table(pyarrow.table(columns), path, row_group_size=2)
    return path


def shard(path: Path, tokens: list[int], header: bool = False, count: int | None = None) -> Path:
    head = np.zeros(256, "<i4")
    head[:3] = 20240520, 1, len(tokens) if count is None else count
    path.write_bytes((head.tobytes() if header else b"") + np.array(tokens, "<u2").tobytes())
    return path


@pytest.mark.parametrize("suffix", ["jsonl", "ndjson", "jsonl.gz"])
def test_json_lines_are_their_texts_with_blank_lines_between(texts, suffix):
    data = lines([{"id": i, "body": text} for i, text in enumerate(DOCUMENTS)]) + b"\n"
    path = texts / f"tales.{suffix}"
    path.write_bytes(gzip.compress(data) if suffix.endswith("gz") else data)
    corpus = open_corpus(str(path), "body")
    assert corpus.data().tobytes().decode() == TEXT
    (texts / "tales.txt").write_text(TEXT)
    assert open_corpus(str(texts / "tales.txt")).sha256 == corpus.sha256


def test_a_parquet_table_is_its_texts_with_blank_lines_between(texts):
    path = table(texts / "tales.parquet", n=[1, 2, 3, 4, 5], text=[*DOCUMENTS, None])
    assert open_corpus(str(path)).data().tobytes().decode() == TEXT


def test_a_folder_may_hold_several_formats_of_text(texts):
    (texts / "a.jsonl").write_bytes(lines([{"text": "one"}, {"text": "two"}]))
    table(texts / "b.parquet", text=["three"])
    (texts / "c.txt").write_text("four")
    assert open_corpus(str(texts)).data().tobytes() == b"one\n\ntwo\n\nthree\n\nfour"


def test_another_column_of_the_same_file_is_another_corpus(texts, monkeypatch):
    monkeypatch.setattr("partbench.data.corpora.SETTLED_SECONDS", -1.0)
    path = table(texts / "two.parquet", text=["one"], other=["two"])
    assert open_corpus(str(path)).data().tobytes() == b"one"
    assert open_corpus(str(path), "other").data().tobytes() == b"two"
    assert open_corpus(str(path)).data().tobytes() == b"one"


@pytest.mark.parametrize("piece", [2, 3, 1 << 20])
@pytest.mark.parametrize("header", [False, True])
def test_shards_are_their_tokens_in_the_order_of_their_names(texts, monkeypatch, header, piece):
    monkeypatch.setattr(files, "PIECE_BYTES", piece)
    shard(texts / "train_01.bin", [7, 65535], header)
    shard(texts / "train_00.bin", list(range(1000)), header)
    corpus = open_corpus(str(texts))
    assert corpus.data().tolist() == [*range(1000), 7, 65535]
    assert corpus.data().dtype == np.uint16
    assert not corpus.data().flags.writeable
    assert (corpus.num_bytes, corpus.largest) == (2004, 65535)


def test_a_shard_with_and_without_a_header_is_one_corpus_and_is_read_once(texts, monkeypatch):
    monkeypatch.setattr("partbench.data.corpora.SETTLED_SECONDS", -1.0)
    one = open_corpus(str(shard(texts / "a.bin", [1, 2, 3])))
    other = open_corpus(str(shard(texts / "b.bin", [1, 2, 3], header=True)))
    assert one.sha256 == other.sha256
    monkeypatch.setattr("partbench.data.corpora._gather", None)
    assert open_corpus(str(texts / "a.bin")) == one


def test_a_wrong_column_is_named_with_the_nearest_that_holds_text(texts):
    (texts / "a.jsonl").write_bytes(lines([{"text": "x", "n": 3}, {"txt": "y"}]))
    assert "line 2: the field 'text' does not exist; set task.text_column: did you mean 'txt'?" in (
        refusal(texts / "a.jsonl")
    )
    assert "line 1: the field 'n' is no text" in refusal(texts / "a.jsonl", "n")
    path = table(texts / "b.parquet", body=["x"], n=[1])
    said = "the column 'boby' does not exist; set task.text_column: did you mean 'body'?"
    assert said in refusal(path, "boby")
    assert "the column 'n' holds int64, not text" in refusal(path, "n")


def test_a_damaged_file_is_refused_with_its_name_and_place(texts):
    path = texts / "a.jsonl"
    path.write_bytes(lines([{"text": "one"}, {"text": "two"}])[:-6])
    assert f"{path} is damaged (line 2 is no JSON); fetch it again" in refusal(path)
    path.write_bytes(b'{"text": "one"}\n[1]\n')
    assert "line 2 is no object with fields" in refusal(path)
    path = table(texts / "b.parquet", text=["one"] * 99)
    path.write_bytes(path.read_bytes()[:-20])
    assert f"{path} is damaged" in refusal(path)
    path = shard(texts / "c.bin", [1, 2, 3], header=True, count=4)
    assert "it has 3 tokens, not the 4 its header names" in refusal(path)
    path.write_bytes(b"12345")
    assert "it has 2 tokens and a half, not whole ones" in refusal(path)
    path.write_bytes(np.array([20240520, 7, 1, *[0] * 253], "<i4").tobytes())
    assert "its header is of version 7, not 1" in refusal(path)


@pytest.mark.parametrize("name", ["a.jsonl", "a.bin", "a.txt", "a.parquet"])
def test_an_empty_file_is_refused(texts, name):
    (texts / name).touch()
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow", reason="the extra `parquet` is not installed")
    assert ("is damaged" if name.endswith("parquet") else "empty") in refusal(texts / name)


def test_an_empty_table_and_texts_without_text_are_refused(texts):
    assert "empty" in refusal(table(texts / "a.parquet", text=["", ""]))
    (texts / "b.jsonl").write_bytes(lines([{"text": ""}]))
    assert "empty" in refusal(texts / "b.jsonl")


def test_tokens_and_text_in_one_folder_are_refused(texts):
    shard(texts / "a.bin", [1])
    (texts / "b.txt").write_text("one")
    assert "a.bin holds tokens and b.txt text" in refusal(texts)


def test_without_pyarrow_parquet_is_refused_with_the_command_that_brings_it(texts, monkeypatch):
    (texts / "a.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert refusal(texts / "a.parquet").endswith("pip install 'partbench[parquet]'")

import gzip
import hashlib
import lzma
import os
import subprocess
import sys

import pytest

from partbench.core.errors import DataError
from partbench.data import cache, corpora
from partbench.data.corpora import open_corpus
from partbench.data.readers import files


def content(corpus) -> bytes:
    return corpus.data().tobytes()


def refusal(name) -> str:
    """The error for `name`, which must be one line and leave no draft behind."""
    with pytest.raises(DataError) as hit:
        open_corpus(str(name))
    assert "\n" not in str(hit.value)
    assert not list(cache.data_folder().glob("*.bin"))
    assert not list(cache.data_folder().glob(".*.partial"))
    return str(hit.value)


def test_the_embedded_text_is_the_one_its_provenance_names():
    corpus = open_corpus("shakespeare")
    assert (corpus.name, corpus.num_bytes) == ("shakespeare", 1_132_211)
    assert hashlib.sha256(content(corpus)).hexdigest() == corpus.sha256
    assert content(corpus).startswith(b"First Citizen:\nBefore we proceed")
    provenance = (corpora.EMBEDDED["shakespeare"].path.parent / "PROVENANCE.md").read_text()
    assert corpus.sha256 in provenance
    assert "1,132,211 bytes" in provenance


@pytest.mark.parametrize(
    ("suffix", "pack"),
    [("txt", bytes), ("md", bytes), ("txt.gz", gzip.compress), ("xz", lzma.compress)],
)
def test_a_file_is_the_same_corpus_however_it_is_packed(texts, suffix, pack):
    text = "Ein Märchen, 你好.\n".encode() * 9
    path = texts / f"tale.{suffix}"
    path.write_bytes(pack(text))
    corpus = open_corpus(str(path))
    assert content(corpus) == text
    assert (corpus.name, corpus.num_bytes) == (path.name, len(text))
    assert corpus.sha256 == hashlib.sha256(text).hexdigest()


def test_a_folder_is_its_files_by_path_joined_with_a_blank_line(texts):
    (texts / "b.txt").write_text("second\n")
    (texts / "a.md").write_text("first")
    (texts / "c").mkdir()
    (texts / "c" / "d.txt.gz").write_bytes(gzip.compress(b"third"))
    (texts / "empty.txt").touch()
    (texts / ".hidden").write_bytes(b"\0")
    corpus = open_corpus(str(texts))
    assert content(corpus) == b"first\n\nsecond\n\nthird"
    assert corpus.name == "texts"


def test_a_text_longer_than_one_piece_is_read_whole(texts, monkeypatch):
    monkeypatch.setattr(files, "PIECE_BYTES", 7)
    text = "naïve 日本語 text\n" * 20
    (texts / "a.txt").write_text(text, encoding="utf-8")
    (texts / "b.txt").write_text(text, encoding="utf-8")
    assert content(open_corpus(str(texts))) == f"{text}\n{text}".encode()


def test_a_relative_path_and_a_tilde_are_understood(texts, monkeypatch):
    (texts / "tale.txt").write_text("once")
    monkeypatch.chdir(texts)
    monkeypatch.setenv("HOME", str(texts))
    assert open_corpus("tale.txt") == open_corpus("~/tale.txt") == open_corpus("./tale.txt")


def test_editing_the_original_does_not_touch_an_open_corpus(texts):
    path = texts / "tale.txt"
    path.write_text("before")
    corpus = open_corpus(str(path))
    data = corpus.data()
    path.write_text("x")
    assert data.tobytes() == b"before"
    assert open_corpus(str(path)).sha256 != corpus.sha256


def test_an_edit_of_the_same_length_and_time_is_noticed(texts):
    path = texts / "tale.txt"
    path.write_text("before")
    times = (path.stat().st_atime_ns, path.stat().st_mtime_ns)
    open_corpus(str(path))
    path.write_text("beyond")
    os.utime(path, ns=times)
    assert content(open_corpus(str(path))) == b"beyond"


def test_a_settled_file_is_read_once(texts, monkeypatch):
    monkeypatch.setattr(corpora, "SETTLED_SECONDS", -1.0)
    path = texts / "tale.txt"
    path.write_text("once")
    first = open_corpus(str(path))

    def read_again(*_):
        raise AssertionError("read twice")

    monkeypatch.setattr(corpora, "_gather", read_again)
    assert open_corpus(str(path)) == first


@pytest.mark.parametrize("name", ["embedded", "settled"])
@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda data: data + b"x"])
def test_a_cached_text_of_the_wrong_size_is_made_anew(texts, monkeypatch, name, damage):
    monkeypatch.setattr(corpora, "SETTLED_SECONDS", -1.0)
    (texts / "tale.txt").write_text("a tale " * 99)
    asked = "shakespeare" if name == "embedded" else str(texts / "tale.txt")
    corpus = open_corpus(asked)
    whole = corpus.path.read_bytes()
    corpus.path.write_bytes(damage(whole))
    assert content(open_corpus(asked)) == whole


def test_a_damaged_installation_is_named(texts, monkeypatch):
    fake = texts / "fake.txt.gz"
    fake.write_bytes(gzip.compress(b"not Shakespeare"))
    monkeypatch.setitem(corpora.EMBEDDED, "shakespeare", corpora.Embedded(fake, 1, "0" * 64))
    with pytest.raises(DataError, match="install partbench again"):
        open_corpus("shakespeare")


def test_a_missing_file_gets_the_nearest_name(texts):
    (texts / "austen.txt").write_text("It is a truth")
    assert "did you mean 'austen.txt'?" in refusal(texts / "austin.txt")
    assert "did you mean 'shakespeare'?" in refusal("shakespear")
    assert refusal(texts / "zzzzzz").endswith("or an embedded corpus: shakespeare")
    assert f"there is no folder {texts / 'no'}" in refusal(texts / "no" / "tale.txt")
    assert "no name" in refusal(" ")


def test_an_empty_file_or_folder_is_refused(texts):
    assert "empty" in refusal(texts)
    (texts / "tale.txt").touch()
    (texts / "tale.txt.gz").write_bytes(gzip.compress(b""))
    for path in (texts, texts / "tale.txt", texts / "tale.txt.gz"):
        assert "empty" in refusal(path)


@pytest.mark.parametrize("piece", [4, 1 << 20])
@pytest.mark.parametrize(
    ("data", "offset"),
    [
        (b"text\0more", 4),
        (b"abcdefgh\xff", 8),
        ("abé".encode() + b"\xc3", 4),
        (b"caf\xc3(" + b"\0", 3),
        (b"ab\xe6\x97", 2),
    ],
)
def test_a_binary_file_is_refused_with_its_name_and_offset(texts, monkeypatch, data, offset, piece):
    monkeypatch.setattr(files, "PIECE_BYTES", piece)
    (texts / "a.txt").write_text("fine")
    (texts / "picture.png").write_bytes(data)
    message = refusal(texts)
    assert f"{texts / 'picture.png'} is not UTF-8 text (byte {offset})" in message


@pytest.mark.parametrize(("suffix", "pack"), [("gz", gzip.compress), ("xz", lzma.compress)])
def test_a_damaged_archive_is_refused(texts, suffix, pack):
    path = texts / f"tale.{suffix}"
    for damage in (pack(b"a tale" * 999)[:-9], b"no archive"):
        path.write_bytes(damage)
        assert f"{path} is damaged" in refusal(path)


def test_what_cannot_be_read_is_refused(texts, monkeypatch):
    def forbidden(*_):
        raise PermissionError(13, "Permission denied")

    (texts / "tale.txt").write_text("once")
    monkeypatch.setattr(files, "open", forbidden, raising=False)
    assert "cannot be read (Permission denied)" in refusal(texts / "tale.txt")
    monkeypatch.setattr(os, "scandir", forbidden)
    assert "cannot be read (Permission denied)" in refusal(texts)
    os.mkfifo(texts / "pipe")
    assert "neither a file nor a folder" in refusal(texts / "pipe")
    assert "cannot be read" in refusal("x" * 5000)


def test_corpora_are_opened_without_torch():
    code = (
        "import sys; from partbench.data.corpora import open_corpus; open_corpus('shakespeare');"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], env=os.environ, timeout=60).returncode == 0

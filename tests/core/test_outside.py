"""Code from outside: every file that decides what a part does is hashed, and none is run for it."""

from pathlib import Path

import pytest

from partbench.core import menu, outside
from partbench.core.factory import load
from partbench.core.outside import absolute, portable, renamed, source_hash, sources

PART = "class Own:\n    def __init__(self, dims): ...\n    number = {}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A part with helpers: one beside it, a package, one that a helper imports."""
    write(
        tmp_path / "mine.py", f"import helper\nfrom pack.inner import x\n{PART.format('helper.n')}"
    )
    write(tmp_path / "helper.py", "import random, math\nfrom .third import n\n")
    write(tmp_path / "third.py", "n = 3\n")
    write(tmp_path / "pack" / "__init__.py", "")
    write(tmp_path / "pack" / "inner.py", "from . import deep\nx = 1\n")
    write(tmp_path / "pack" / "deep.py", "raise RuntimeError('run')\n")
    write(tmp_path / "random.py", "raise RuntimeError('the wrong random')\n")
    write(tmp_path / "unused.py", "raise RuntimeError('run')\n")
    return tmp_path


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_what_a_file_imports_from_beside_it_is_found_and_not_run(folder: Path) -> None:
    found = [path.relative_to(folder).as_posix() for path in sources(folder / "mine.py")]
    assert found == [
        "helper.py", "mine.py", "pack/__init__.py", "pack/deep.py", "pack/inner.py", "third.py",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["helper.py", "third.py", "pack/__init__.py", "pack/deep.py"])
def test_the_hash_changes_with_every_helper(name: str, folder: Path) -> None:
    before = source_hash(folder / "mine.py")
    (folder / name).write_text((folder / name).read_text() + "# another line\n")
    assert source_hash(folder / "mine.py") != before
    assert menu.find("ffn", f"{folder}/mine.py:Own").source_hash() != before


def test_the_hash_does_not_change_with_what_is_not_imported(folder: Path, tmp_path: Path) -> None:
    before = source_hash(folder / "mine.py")
    for name in ("unused.py", "random.py"):
        (folder / name).write_text("another = 1\n")
    assert source_hash(folder / "mine.py") == before
    moved = tmp_path / "elsewhere"
    for path in sources(folder / "mine.py"):
        write(moved / path.relative_to(folder), path.read_text())
    assert source_hash(moved / "mine.py") == before


def test_a_file_alone_has_the_hash_of_its_bytes(tmp_path: Path) -> None:
    """As it always had: no address of a part without helpers changes."""
    import hashlib

    file = write(tmp_path / "own.py", "import torch, math\n" + PART.format(1))
    assert source_hash(file) == hashlib.sha256(file.read_bytes()).hexdigest()


def test_imports_that_lead_out_of_the_folder_or_nowhere_are_left(tmp_path: Path) -> None:
    write(tmp_path / "above.py", "n = 1\n")
    mine = write(tmp_path / "in" / "mine.py", "from ..above import n\nimport nowhere.at_all\n")
    assert sources(mine) == [mine]


def test_helpers_are_imported_and_an_edited_one_is_the_edited_one(tmp_path: Path) -> None:
    """Also where an unchanged helper stands between; in one process, as workers are."""
    write(tmp_path / "last_one.py", "n = 1\n")
    write(tmp_path / "between.py", "from last_one import n\n")
    mine = write(tmp_path / "mine.py", f"import between\n{PART.format('between.n')}")
    assert load(menu.find("ffn", f"{mine}:Own")).number == 1
    write(tmp_path / "last_one.py", "n = 22\n")
    assert load(menu.find("ffn", f"{mine}:Own")).number == 22
    write(tmp_path / "last_one.py", "n = 1\n")
    assert load(menu.find("ffn", f"{mine}:Own")).number == 1


def test_relative_imports_and_other_folders_work(tmp_path: Path) -> None:
    for number in (1, 2):
        here = tmp_path / str(number)
        write(here / "same_name.py", f"n = {number}\n")
        write(here / "relative.py", f"from . import same_name\n{PART.format('same_name.n')}")
        write(here / "plain.py", f"import same_name\n{PART.format('same_name.n')}")
        for file in ("relative.py", "plain.py"):
            assert load(menu.find("ffn", f"{here}/{file}:Own")).number == number


def test_a_file_beside_the_part_never_stands_for_pythons_own(folder: Path) -> None:
    mine = write(folder / "calm.py", f"import random\n{PART.format('random.random()')}")
    assert sources(mine) == [mine]
    assert 0 <= load(menu.find("ffn", f"{mine}:Own")).number < 1


def test_a_broken_helper_is_hashed_and_fails_when_it_is_run(tmp_path: Path) -> None:
    write(tmp_path / "broken.py", "def (:\n")
    mine = write(tmp_path / "mine.py", f"import broken\n{PART.format(1)}")
    assert len(source_hash(mine)) == 64
    with pytest.raises(menu.ConfigError, match="running the file failed: SyntaxError"):
        load(menu.find("ffn", f"{mine}:Own"))


def test_names_lose_their_folders_and_keep_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    code = {"a/x.py:P": "1", "/b/x.py:P": "1", "c/x.py:Q": "1"}
    assert portable(code) == {"a/x.py:P": "x.py:P", "/b/x.py:P": "x.py:P", "c/x.py:Q": "x.py:Q"}
    assert portable({"a/x.py:P": "1", "b/x.py:P": "2"}) == {
        "a/x.py:P": "x.py:P@1",
        "b/x.py:P": "x.py:P@2",
    }
    assert absolute("swiglu") == "swiglu"
    assert absolute("x.py:P") == f"{Path('x.py').resolve()}:P"
    tree = {"ffn": {"part": "a:P", "n": 1}, "mixer": [{"part": "b"}, {"part": "a:P"}], "part": 3}
    assert renamed(tree, str.upper) == {
        "ffn": {"part": "A:P", "n": 1}, "mixer": [{"part": "B"}, {"part": "A:P"}], "part": 3,
    }  # fmt: skip


def test_a_file_is_run_once_a_process(tmp_path: Path) -> None:
    mine = write(tmp_path / "mine.py", "runs = []\n")
    assert outside.load("partbench_outside_test", mine) is outside.load(
        "partbench_outside_test", mine
    )

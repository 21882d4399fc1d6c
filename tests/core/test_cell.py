"""A cell's address: the same for the same run, another for anything that could change it."""

import copy
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from partbench.core.cell import Cell, checksum, read_record
from partbench.core.config import Config
from partbench.core.errors import ConfigError
from partbench.core.numerics import Numerics

CELL = Cell(
    config=Config({}).resolved,
    seed=3,
    numerics=dataclasses.asdict(Numerics()),
    torch="2.13.0",
    corpus="aa",
    code={"own.py:Own": "bb"},
)

CHANGES: dict[str, dict[str, Any]] = {
    "a setting": {"config": Config({}).edit({"ffn.ratio": 4.0}).resolved},
    "a part": {"config": Config({}).edit(norm="layernorm").resolved},
    "the length": {"config": Config({}).edit({"train.steps": 7}).resolved},
    "the rate": {"config": Config({}).edit({"optimizer.rate": 1e-4}).resolved},
    "the size": {"config": Config({}).edit({"dims.depth": 2}).resolved},
    "the seed": {"seed": 4},
    "the precision": {"numerics": dataclasses.asdict(Numerics(precision="bfloat16"))},
    "the attention path": {"numerics": dataclasses.asdict(Numerics(attention="explicit"))},
    "the threads": {"numerics": dataclasses.asdict(Numerics(threads=2))},
    "torch": {"torch": "2.14.0"},
    "the corpus": {"corpus": "ab"},
    "the outside code": {"code": {"own.py:Own": "bc"}},
    "the epoch of results": {"epoch": CELL.epoch + 1},
}


@pytest.mark.parametrize("what", CHANGES)
def test_the_address_changes_with(what: str) -> None:
    assert dataclasses.replace(CELL, **CHANGES[what]).id != CELL.id


def test_everything_a_cell_holds_is_in_its_address() -> None:
    changed = {name for changes in CHANGES.values() for name in changes}
    assert changed == {item.name for item in dataclasses.fields(Cell)}


def test_the_address_does_not_depend_on_order_or_on_reading_and_writing(tmp_path: Path) -> None:
    turned = dict(reversed(copy.deepcopy(CELL.config).items()))
    assert dataclasses.replace(CELL, config=turned).id == CELL.id
    path = tmp_path / "spec.json"
    path.write_text(CELL.to_json())
    assert Cell.read(path) == CELL
    assert Cell.read(path).id == CELL.id
    assert Cell.read(path).how == Numerics()


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "3", '{"seed": 1}', json.dumps({**dataclasses.asdict(CELL), "sead": 1})],
)
def test_a_damaged_spec_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "spec.json"
    path.write_text(content)
    with pytest.raises(ConfigError, match=r"spec\.json: not a cell spec"):
        Cell.read(path)


def test_a_missing_spec_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such cell spec"):
        Cell.read(tmp_path / "spec.json")


def placed(folder: str, code: str = "bb") -> Cell:
    """A cell with a part and a text from outside that lie in `folder`."""
    name = f"{folder}own.py:Own"
    config = copy.deepcopy(CELL.config)
    config["model"]["ffn"] = {"part": name}
    config["task"]["corpus"] = f"{folder}text.txt"
    return dataclasses.replace(CELL, config=config, code={name: code})


def test_the_address_does_not_depend_on_where_outside_files_lie() -> None:
    here, there = placed("/one/folder/"), placed("/somewhere/else/")
    assert here.id == there.id == placed("").id
    assert here.arm == there.arm
    assert here.portable == there.portable
    assert here.config["model"]["ffn"]["part"] == "/one/folder/own.py:Own"  # it runs from anywhere
    assert placed("/one/folder/", "bc").id != here.id


def test_two_files_of_one_name_are_told_apart() -> None:
    """Which of them fills which slot is in the address."""
    config = copy.deepcopy(CELL.config)
    code = {"a/own.py:Own": "1", "b/own.py:Own": "2"}
    cells = []
    for first, second in (("a", "b"), ("b", "a")):
        config["model"]["ffn"] = {"part": f"{first}/own.py:Own"}
        config["model"]["norm"] = {"part": f"{second}/own.py:Own"}
        cells.append(dataclasses.replace(CELL, config=copy.deepcopy(config), code=code))
    assert cells[0].id != cells[1].id


def test_a_record_is_whole_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    with pytest.raises(FileNotFoundError):
        read_record(path, CELL.id)
    record = {"id": CELL.id, "score": 1.0}
    record["checksum"] = checksum(record)
    path.write_text(json.dumps(record))
    assert read_record(path, CELL.id) == record
    for damaged in (
        "",
        "[]",
        "3",
        json.dumps({**record, "score": 2.0}),
        json.dumps({"id": CELL.id}),
    ):
        path.write_text(damaged)
        with pytest.raises(ValueError, match="damaged"):
            read_record(path, CELL.id)
    path.write_text(json.dumps(record))
    with pytest.raises(ValueError, match="damaged"):
        read_record(path, "another")

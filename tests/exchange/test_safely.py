"""A stranger's folder cannot run code, reach outside, or take memory that it has not paid for."""

import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.exchange import made

from partbench.core.errors import CheckpointError, PartbenchError
from partbench.exchange import huggingface, own, safely
from partbench.exchange.trained import open_folder


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder and a Llama, written once."""
    folder = tmp_path_factory.mktemp("written")
    own.write(made.trained(), folder / "model")
    huggingface.write(huggingface.LAYOUTS["llama"], made.trained(), folder / "llama")
    return folder


@pytest.fixture
def model(written: Path, tmp_path: Path) -> Path:
    """A model folder."""
    return shutil.copytree(written / "model", tmp_path / "model")


@pytest.fixture
def llama(written: Path, tmp_path: Path) -> Path:
    """A folder in the layout of Llama."""
    return shutil.copytree(written / "llama", tmp_path / "llama")


def change(folder: Path, **settings: Any) -> None:
    path = folder / safely.CONFIG
    path.write_text(json.dumps({**json.loads(path.read_text()), **settings}))


def test_a_model_folder_comes_back_as_it_was(model: Path) -> None:
    before, back = made.trained(), open_folder(model)
    assert (back.tree["dims"], back.tree["model"]) == (before.tree["dims"], before.tree["model"])
    assert all(torch.equal(back.weights[name], before.weights[name]) for name in before.weights)


def test_counts_of_any_number_come_back(tmp_path: Path) -> None:
    before = made.trained({"model": {"part": "ngram", "order": 3}})
    own.write(before, tmp_path / "counts")
    tokens = torch.randint(0, 32, (1, 9), generator=torch.Generator().manual_seed(0))
    assert torch.equal(open_folder(tmp_path / "counts").model()(tokens), before.model()(tokens))


@pytest.mark.parametrize(
    "name",
    ["../model.safetensors", "/etc/x.safetensors", "a/b.safetensors", "..\\x.safetensors",
     "weights.bin", ".hidden.safetensors", "C:x.safetensors"],
)  # fmt: skip
def test_an_index_cannot_point_out_of_its_folder(llama: Path, name: str) -> None:
    outside = llama.parent / safely.WEIGHTS
    shutil.move(llama / safely.WEIGHTS, outside)
    (llama / safely.INDEX).write_text(json.dumps({"weight_map": {"lm_head.weight": name}}))
    with pytest.raises(CheckpointError, match=r"only \*\.safetensors in the folder itself"):
        huggingface.read(llama)


def test_a_pickle_is_never_opened(llama: Path) -> None:
    class Bomb:
        def __reduce__(self) -> Any:
            return (pytest.fail, ("a pickle was opened",))

    (llama / safely.WEIGHTS).unlink()
    (llama / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(CheckpointError, match=r"pytorch_model\.bin is a pickle, which can run"):
        huggingface.read(llama)


def test_code_in_a_folder_is_not_run(model: Path) -> None:
    (model / own.CODE).write_text("raise SystemExit('code of the folder was run')")
    open_folder(model).model()
    settings = json.loads((model / safely.CONFIG).read_text())
    (model / "mine.py").write_text("raise SystemExit('code of the folder was run')")
    for place in ("norm", "ffn"):
        parts = {**settings["partbench"]["model"], place: f"{model / 'mine.py'}:Mine"}
        change(model, partbench={**settings["partbench"], "model": parts})
        with pytest.raises(CheckpointError):
            open_folder(model)
    (model / "mine.py").write_text(
        "raise SystemExit('run')\n\n\nclass Mine:\n    def __init__(self): ...\n"
    )
    with pytest.raises(CheckpointError, match="code of its own"):
        open_folder(model)


@pytest.mark.parametrize(
    "settings",
    [{"vocab_size": 1 << 40}, {"hidden_size": 1 << 40}, {"num_hidden_layers": 1 << 40},
     {"intermediate_size": 1 << 40}, {"num_attention_heads": 1 << 30, "head_dim": 1 << 30},
     {"vocab_size": -1}, {"vocab_size": None}, {"rms_norm_eps": "small"}],
    ids=str,
)  # fmt: skip
def test_sizes_that_lie_are_refused_before_memory_is_taken(
    llama: Path, settings: dict[str, Any]
) -> None:
    change(llama, **settings)
    with pytest.raises(PartbenchError) as refused:
        huggingface.read(llama)
    assert "\n" not in str(refused.value)


def test_a_model_folder_that_lies_is_refused(model: Path) -> None:
    ours = json.loads((model / safely.CONFIG).read_text())["partbench"]
    for wrong in (
        {"dims": {**ours["dims"], "width": 1 << 40}},
        {"dims": {**ours["dims"], "depth": 1 << 40}},
        {"model": {**ours["model"], "norm": "no_such"}},
        {"numerics": {"precision": "float128"}},
        {"model": None},
    ):
        change(model, partbench={**ours, **wrong})
        with pytest.raises(CheckpointError) as refused:
            open_folder(model)
        assert "\n" not in str(refused.value)


def test_tensors_that_are_damaged_missing_or_too_many_are_refused(llama: Path) -> None:
    path = llama / safely.WEIGHTS
    whole, bytes_of_it = load_file(path), path.read_bytes()
    for wrong in (
        {**whole, "model.layers.0.self_attn.sinks": torch.zeros(4)},
        {name: tensor for name, tensor in whole.items() if "q_proj" not in name},
        {**whole, "model.norm.weight": torch.ones(32, dtype=torch.bool)},
    ):
        save_file(wrong, path)
        with pytest.raises(CheckpointError):
            huggingface.read(llama)
    for cut in (7, 100, len(bytes_of_it) - 1):
        path.write_bytes(bytes_of_it[:cut])
        with pytest.raises(CheckpointError, match="damaged or no safetensors"):
            huggingface.read(llama)


def test_json_that_is_none_is_refused(llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("[1]", "{", "[" * 100_000, "\udcff"):
        (llama / safely.CONFIG).write_bytes(text.encode("utf-8", errors="surrogateescape"))
        with pytest.raises(CheckpointError):
            huggingface.read(llama)
    monkeypatch.setattr(safely, "LARGEST_JSON", 10)
    (llama / safely.CONFIG).write_text('{"model_type": "llama"}')
    with pytest.raises(CheckpointError, match=r"23 bytes is no config\.json"):
        huggingface.read(llama)

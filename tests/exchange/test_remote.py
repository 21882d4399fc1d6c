"""transformers loads what was exported: our layout with remote code, theirs without."""

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from tests.exchange import made
from tests.models.peers import peer

from partbench.exchange import huggingface, own

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
TOKENS = torch.randint(0, 256, (2, 32), generator=torch.Generator().manual_seed(0))


@pytest.fixture
def transformers() -> ModuleType:
    return peer("transformers")


@torch.no_grad()
@pytest.mark.parametrize("name", made.FITS)
def test_export_transformers_import_is_bitwise(
    name: str, transformers: ModuleType, tmp_path: Path
) -> None:
    layout, parts, dims = made.FITS[name]
    mine = made.trained(parts, dims)
    huggingface.write(huggingface.LAYOUTS[layout], mine, tmp_path / "out")
    theirs = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    assert type(theirs).__name__ == huggingface.LAYOUTS[layout].architecture
    expected = mine.model()(TOKENS)
    torch.testing.assert_close(theirs(TOKENS).logits, expected, rtol=1e-5, atol=1e-5)
    theirs.save_pretrained(tmp_path / "again", max_shard_size="20KB")
    assert (tmp_path / "again" / "model.safetensors.index.json").is_file()
    back = huggingface.read(tmp_path / "again").weights
    held = huggingface.fitting(huggingface.LAYOUTS[layout], mine)[1].weights
    assert back.keys() == held.keys()
    assert all(torch.equal(back[key], held[key]) for key in held)


OURS: dict[str, dict[str, Any]] = {
    "the default": {},
    "unusual parts": {
        "mixer": ["mamba2", {"part": "attention", "window": 5, "gate": "head"}],
        "position": "alibi",
        "norm": "dynamic_tanh",
        "residual": "hyper_connections",
        "probability": "sinks",
        "ffn": "mixture_of_experts",
    },
    "an n-gram": {"model": "ngram"},
}


@torch.no_grad()
@pytest.mark.parametrize("name", OURS)
def test_any_model_of_ours_loads_with_remote_code_and_generates(
    name: str, transformers: ModuleType, tmp_path: Path
) -> None:
    trained = made.trained(OURS[name])
    own.write(trained, tmp_path / "ours")
    theirs = transformers.AutoModelForCausalLM.from_pretrained(
        tmp_path / "ours", trust_remote_code=True
    )
    tokenizer = transformers.AutoTokenizer.from_pretrained(
        tmp_path / "ours", trust_remote_code=True
    )
    tokenizer.pad_token, tokenizer.padding_side = "!", "left"
    ids = tokenizer(["the ship"], return_tensors="pt")["input_ids"]
    assert ids.tolist() == [list(b"the ship")]
    mine: Any = trained.model()
    assert torch.equal(theirs(ids).logits, mine(ids))
    cached = theirs.generate(ids, max_new_tokens=8, do_sample=False)
    plain = theirs.generate(ids, max_new_tokens=8, do_sample=False, use_cache=False)
    beams = theirs.generate(ids, max_new_tokens=8, do_sample=False, num_beams=2)
    assert torch.equal(cached, plain)
    assert beams.shape == cached.shape
    assert torch.equal(cached[0, :8], ids[0])
    if name != "an n-gram":
        both = tokenizer(["the ship", "a"], return_tensors="pt", padding=True)
        padded = theirs.generate(**both, max_new_tokens=8, do_sample=False)
        assert torch.equal(padded[0], cached[0])
        alone = theirs.generate(ids[:, :0].new_tensor([[97]]), max_new_tokens=8, do_sample=False)
        assert torch.equal(padded[1, 8:], alone[0, 1:])
        with pytest.raises(Exception, match="padding must be on the left"):
            theirs(ids, attention_mask=torch.tensor([[1] * 7 + [0]]))
    theirs.save_pretrained(tmp_path / "saved")
    saved = own.read(tmp_path / "saved").weights
    assert all(torch.equal(saved[key], trained.weights[key]) for key in trained.weights)


def test_without_trust_no_code_is_run(transformers: ModuleType, tmp_path: Path) -> None:
    own.write(made.trained(), tmp_path / "ours")
    with pytest.raises(ValueError, match="trust_remote_code"):
        transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "ours")

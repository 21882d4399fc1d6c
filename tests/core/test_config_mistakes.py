"""What a mistake in a configuration gets: one line, the place, the nearest right word."""

from pathlib import Path
from typing import Any

import pytest

from partbench.core.config import Config, fingerprint
from partbench.core.errors import ConfigError

BASE = Config({})


def resolve(config: Config) -> Any:
    return config.resolved


MISTAKES = {
    "section": ({"modle": {}}, r"no section called 'modle'; did you mean 'model'"),
    "slot": ({"model": {"fnn": "mlp"}}, r"model\.fnn .*no slot or setting called 'fnn'; .*'ffn'"),
    "part": ({"model": {"ffn": "swigl"}}, r"model\.ffn: no ffn called 'swigl'; .*'swiglu'"),
    "part in a list": ({"model": {"mixer": ["atention"]}}, r"model\.mixer\[0\].*'attention'"),
    "setting": ({"model": {"ffn": {"ratoi": 4.0}}}, r"model\.ffn\.ratoi .*did you mean 'ratio'"),
    "setting of another part": ({"model": {"ffn": {"bias": True}}}, r"'swiglu'.*'bias'"),
    "type": ({"model": {"ffn": {"ratio": "4"}}}, r"model\.ffn\.ratio: '4' is not a number"),
    "bool for a number": ({"model": {"ffn": {"ratio": True}}}, r"True is not a number"),
    "number for a bool": ({"model": {"mixer": {"bias": 1}}}, r"1 is not true or false"),
    "choice": ({"task": {"holdout": "first"}}, r"task\.holdout: 'first' is not Literal"),
    "fraction of a layer": ({"dims": {"depth": 2.5}}, r"dims\.depth: 2\.5 is not a whole number"),
    "dims setting": ({"dims": {"widht": 3}}, r"dims\.widht: .*did you mean 'width'"),
    "dims as a number": ({"dims": 4}, r"dims: 4 is not a table"),
    "training setting": ({"train": {"step": 3}}, r"train\.step: .*did you mean 'steps'"),
    "training type": ({"train": {"steps": "many"}}, r"train\.steps: 'many'"),
    "no steps": ({"train": {"steps": 0}}, r"train\.steps: 0 is below 1"),
    "uneven pieces": ({"train": {"batch": 16, "accumulate": 3}}, r"nearest that does is [24]"),
    "a slot as a number": ({"model": {"ffn": 3}}, r"model\.ffn: 3 is not a part"),
    "a part as a number": ({"model": {"ffn": {"part": 3}}}, r"model\.ffn\.part: 3 is not a name"),
    "an optimiser": ({"optimizer": "adam"}, r"optimizer: .*did you mean 'adamw'"),
    "no slot to need": (
        {"init": "warm", "model": "saffu"},
        r"^init=warm cannot work with model=saffu: .*this model has no slot embedding$",
    ),
    "not what is needed": (
        {"init": "warm", "model": {"embedding": "cipher"}},
        r"^init=warm cannot work with embedding=cipher: it needs 'table'",
    ),
    "not a number": ({"model": {"ffn": {"ratio": float("nan")}}}, r"model\.ffn\.ratio: nan"),
    "no finite number": ({"model": {"head": {"cap": float("inf")}}}, r"model\.head\.cap: inf"),
    "clip is none": ({"train": {"clip": float("nan")}}, r"train\.clip: nan"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_gets_one_line_with_the_place_and_the_nearest_right_word(mistake: str) -> None:
    declared, message = MISTAKES[mistake]
    with pytest.raises(ConfigError, match=message) as caught:
        fingerprint(resolve(Config(declared)))
    assert len(str(caught.value).splitlines()) == 1
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("fnn.ratio", r"fnn\.ratio: no slot or section called 'fnn'; did you mean 'ffn'"),
        ("modle.ffn", r"no slot or section called 'modle'; did you mean 'model'"),
        ("model.fnn.ratio", r"called 'fnn'"),
    ],
)
def test_a_mistake_in_a_path_is_found_when_the_edit_is_made_or_resolved(
    path: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        resolve(BASE.edit({path: 4.0}))


def test_a_date_is_no_setting(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("[task]\ncorpus = 2024-01-01\n")
    with pytest.raises(ConfigError, match="corpus"):
        resolve(Config.from_toml(tmp_path / "a.toml"))


@pytest.mark.parametrize(
    ("train", "message"),
    [
        ({"batch": 12, "batch_doublings": 3}, r"batch of 12 cannot be halved 3 times; at most 2$"),
        ({"batch_doublings": -1}, r"train\.batch_doublings: .* -1 times; at most 4$"),
        ({"batch_warmup": 0.0}, r"train\.batch_warmup: 0 is no share of the run"),
    ],
    ids=str,
)
def test_a_batch_that_cannot_grow_as_asked_is_refused(train: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        resolve(Config({"train": train}))

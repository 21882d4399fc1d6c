"""Texts go on as the model says: padding, order and company change nothing, settings do."""

from typing import Any

import numpy as np
import pytest
import torch
from tests.exchange import made

from partbench.core import rng
from partbench.core.config import Config
from partbench.core.errors import InputError
from partbench.core.menu import names
from partbench.data.batch import Batch
from partbench.exchange.generation import Sampling, batches, continued, streams
from partbench.models.build import build
from partbench.testing import Subject
from partbench.testing.causal import padding_on_the_left_changes_nothing
from partbench.testing.subject import CONTEXT, DIMS

PROMPTS = ["the ship", "a", "the wind and the sea"]


def texts(trained: Any, prompts: list[str], tokens: int = 9, **settings: Any) -> list[str]:
    found = [""] * len(prompts)
    for row, piece in streams(trained, prompts, tokens, Sampling(**settings)):
        found[row] += piece
    return found


@pytest.mark.parametrize(
    "parts", [{}, pytest.param({"model": "ngram"}, marks=pytest.mark.slow)], ids=str
)
def test_a_prompt_gets_in_company_what_it_gets_alone(parts: dict[str, Any]) -> None:
    """Row 0 of any batch draws from stream 0, so the first prompt can be had alone."""
    trained = made.trained(parts)
    together = texts(trained, PROMPTS)
    assert texts(trained, PROMPTS[:1]) == together[:1]
    assert texts(trained, [PROMPTS[0], "x" * 17])[0] == together[0]
    assert len(set(together)) == 3
    assert texts(trained, PROMPTS, seed=2) != together


def test_who_cannot_leave_out_padding_goes_one_by_one() -> None:
    begun = [torch.zeros(length).long() for length in (3, 5)]
    assert batches(made.trained().model(), begun, 4) == [[0, 1]]
    assert batches(made.trained({"model": "ngram"}).model(), begun, 4) == [[0], [1]]


def test_the_head_is_divided_by_width_when_a_text_goes_on_as_in_training() -> None:
    """The trap of peers: the muP factor 1 / m left out where there are no targets."""
    trained = made.trained({}, {"transfer": "mup", "base_width": 8})
    model: Any = trained.model()
    start = trained.text().encode("the ship")
    drawn = [token for _, token in continued(model, "it", [start], 6, Sampling(temperature=1.0))]
    generator, text, raw = rng.stream(1, "generate", 0), start.tolist(), 0
    for token in drawn:
        every = torch.arange(256)
        inputs = torch.tensor([text]).expand(256, -1)
        targets = torch.cat([inputs[:, 1:], every.unsqueeze(1)], dim=1)
        with torch.no_grad():  # as training scores each token that could follow
            nll = model.score(Batch(inputs, targets, torch.ones(targets.shape))).nll[:, -1]
        found = (-nll).double().numpy()
        state = generator.bit_generator.state
        assert Sampling(temperature=1.0).draw(found, generator) == token
        generator.bit_generator.state = state
        raw += Sampling(temperature=1.0).draw(4 * found, rng.stream(1, "generate", 0)) != token
        generator.bit_generator.state = state
        Sampling(temperature=1.0).draw(found, generator)
        text.append(token)
    assert raw > 0  # without the factor other tokens would have been drawn


def test_draws_follow_the_softmax_of_what_is_left() -> None:
    logits, generator = np.log(np.array([0.5, 0.25, 0.15, 0.1])), rng.stream(0, "draws")

    def shares(**settings: Any) -> np.ndarray:
        drawn = [Sampling(**settings).draw(logits, generator) for _ in range(1000)]
        return np.bincount(drawn, minlength=4) / 1000

    near = {"rtol": 0, "atol": 0.065}  # more than 4 standard errors
    np.testing.assert_allclose(shares(temperature=1.0), [0.5, 0.25, 0.15, 0.1], **near)
    np.testing.assert_allclose(shares(temperature=1.0, top_k=2), [2 / 3, 1 / 3, 0, 0], **near)
    np.testing.assert_allclose(shares(temperature=1.0, top_p=0.7), [2 / 3, 1 / 3, 0, 0], **near)
    np.testing.assert_allclose(shares(temperature=1.0, top_p=0.75), [2 / 3, 1 / 3, 0, 0], **near)
    np.testing.assert_allclose(shares(temperature=1.0, top_p=0.76)[3], 0, **near)
    hot = np.array([0.5, 0.25, 0.15, 0.1]) ** 0.5
    np.testing.assert_allclose(shares(temperature=2.0), hot / hot.sum(), **near)
    assert shares(temperature=0.0).tolist() == [1, 0, 0, 0]


@pytest.mark.parametrize(
    "settings",
    [{"temperature": -1.0}, {"top_k": 0}, {"top_p": 0.0}, {"top_p": 1.5}],
    ids=str,
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="--"):
        Sampling(**settings)


@pytest.mark.slow
@pytest.mark.parametrize("mixer", names("mixer"))
@pytest.mark.parametrize("position", names("position"))
def test_padding_is_left_out_by_every_mixer_with_every_position(mixer: str, position: str) -> None:
    beside = {"position": position}
    if (mixer, position) != ("linear_attention", "alibi"):  # which forbid each other
        subject = Subject("mixer", mixer, {}, beside)
        subject.model().begin(3, CONTEXT, torch.tensor([0, 3, 7]))  # none refuses
        padding_on_the_left_changes_nothing(subject)


@pytest.mark.slow
@pytest.mark.parametrize("settings", [{"window": 4}, {"cap": 2.0}, {"window": 1}], ids=str)
@pytest.mark.parametrize("beside", [{"position": "alibi"}, {"probability": "sinks"}], ids=str)
def test_padding_is_left_out_on_every_path_of_attention(
    settings: dict[str, Any], beside: dict[str, str]
) -> None:
    padding_on_the_left_changes_nothing(Subject("mixer", "attention", settings, beside))


def test_angles_that_follow_the_length_refuse_padding_beyond_the_trained_one() -> None:
    parts = {"position": {"part": "rotary_dynamic_ntk", "trained": 8}}
    model: Any = made.trained(parts).model()
    tokens = torch.zeros(2, 9).long()
    model.step(tokens, model.begin(2, 9))
    model.step(tokens[:, :8], model.begin(2, 9, torch.tensor([0, 3])))
    with pytest.raises(InputError, match="give one text at a time"):
        model.step(tokens, model.begin(2, 9, torch.tensor([0, 3])))


OUTSIDE = """
from torch import Tensor, nn


class Shifted(nn.Module):
    '''A position that asks for slots instead of places. Source: made up.'''

    PROVIDES = ({provides})
    ROLES = {{}}
    longest = None

    def __init__(self) -> None:
        super().__init__()

    def stream(self, x: Tensor, flow: object) -> Tensor:
        return x + flow.positions.view(-1, 1) / 10

    def heads(self, x: Tensor, flow: object) -> Tensor:
        return x

    def scores(self, queries: Tensor, keys: Tensor) -> None:
        return None
"""


def test_a_part_that_does_not_know_of_padding_is_not_trusted_with_it(tmp_path: Any) -> None:
    """It is refused; and one that claims to know is found out by the conformance suite."""
    file = tmp_path / "shifted.py"
    file.write_text(OUTSIDE.format(provides=""))
    config = Config({"dims": DIMS}).edit(position=f"{file}:Shifted")
    subject = Subject("position", f"{file}:Shifted")
    model: Any = build(config.resolved, vocab=32, seed=0, numerics=made.Numerics())
    with pytest.raises(InputError, match="Shifted cannot leave out padding"):
        model.begin(2, 9, torch.tensor([0, 3]))
    padding_on_the_left_changes_nothing(subject)
    file.write_text(OUTSIDE.format(provides='"left_padding",'))
    with pytest.raises(AssertionError, match="of padding"):
        padding_on_the_left_changes_nothing(Subject("position", f"{file}:Shifted"))

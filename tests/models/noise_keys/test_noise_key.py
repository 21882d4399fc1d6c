"""model=noise_key: online, exact unlearning, no future, saved and loaded, large; it learns."""

import math

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from partbench.core.dims import resolve
from partbench.core.errors import ConfigError, DataError
from partbench.data.batch import Batch
from partbench.models.contract import Decoder, Model
from partbench.models.noise_key import NoiseKey
from partbench.models.noise_keys.memory import Steps
from partbench.parts.probability.shiftmax import ShiftMax
from partbench.parts.probability.softmax import Softmax

ALL = ["markov", "durations", "acting_on_a", "acting_on_b", "neighbours"]


def model(vocab=12, g=Softmax, seed=0, **settings):
    torch.manual_seed(seed)
    return NoiseKey(resolve(depth=1, context=8, vocab=vocab), g, **{"thin": 1, **settings})


def batch_of(windows):
    tokens = torch.as_tensor(np.asarray(windows))
    return Batch(tokens[:, :-1], tokens[:, 1:], torch.ones(len(tokens), tokens.shape[1] - 1))


def some(number=30, length=9, vocab=12, seed=0):
    rng = np.random.default_rng(seed)
    tokens = rng.integers(0, vocab, (number, length))
    for t in range(1, length):
        tokens[:, t] = (tokens[:, t - 1] * 2 + rng.integers(0, 2, number)) % vocab
    return tokens


def equal(one, other):
    a, b = one.state_dict(), other.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_online_equals_batch_and_unlearning_restores():
    windows = some()
    at_once, online = model(experts=ALL), model(experts=ALL)
    at_once.learn(batch_of(windows))
    for row in windows[::-1]:
        online.learn(batch_of([row]))
    assert equal(at_once, online)
    before = at_once.score(batch_of(some(seed=2))).nll
    at_once.learn(batch_of(some(4, seed=1)))
    assert not torch.equal(at_once.score(batch_of(some(seed=2))).nll, before)
    at_once.unlearn(batch_of(some(4, seed=1)))
    assert equal(at_once, online)
    assert torch.equal(at_once.score(batch_of(some(seed=2))).nll, before)
    with pytest.raises(DataError, match="nothing was changed"):
        at_once.unlearn(batch_of([[0, 5, 0]]))  # 0 is followed by 0 or 1
    assert equal(at_once, online)


@pytest.mark.parametrize("g", [Softmax, ShiftMax])
@pytest.mark.parametrize("code_digits", [0, 5])
def test_probabilities_sum_to_one_and_the_score_is_the_target_s(g, code_digits):
    held = model(g=g, experts=ALL, code_digits=code_digits, keys="cooccurrence")
    held.fit([batch_of(some())])
    batch = batch_of(some(6, seed=3))
    p = held.probabilities(batch.inputs)
    assert (p.sum(-1) - 1).abs().max() < 1e-9
    assert p.min() > 0
    nll = held.score(batch).nll
    assert torch.allclose(nll.double(), -p.gather(-1, batch.targets[..., None])[..., 0].log(),
                          atol=1e-5)  # fmt: skip


def test_the_future_cannot_leak_with_any_expert():
    held = model(experts=ALL)
    held.fit([batch_of(some())])
    windows = torch.as_tensor(some(5, seed=4))
    changed = windows.clone()
    changed[:, 5:] = (changed[:, 5:] + 3) % 12
    one, two = (held.score(batch_of(w)).nll for w in (windows, changed))
    assert torch.equal(one[:, :4], two[:, :4])
    assert (one[:, 4] != two[:, 4]).any()


def test_saved_and_loaded_into_another_seed_it_answers_alike():
    held = model(experts=ALL)
    held.fit([batch_of(some())])
    other = model(seed=5, experts=ALL)
    batch = batch_of(some(4, seed=6))
    assert not torch.equal(other.get_buffer("keys"), held.get_buffer("keys"))
    other.load_state_dict(load(save(held.state_dict())))
    assert torch.equal(other.score(batch).nll, held.score(batch).nll)
    other.unlearn(batch_of(some()))
    assert not len(other.memory.book.keys)


def test_damaged_state_is_refused():
    held = model()
    held.fit([batch_of(some())])
    for name, cut in (("book_counts", lambda t: t[:-1]), ("xx", lambda t: t[:, :-1])):
        state = held.state_dict() | {}
        state[name] = cut(state[name])
        with pytest.raises(RuntimeError, match="damaged counts"):
            model().load_state_dict(state)


def test_keys_and_all_that_follows_depend_on_the_seed_alone():
    one, two, other = model(seed=1), model(seed=1), model(seed=2)
    assert equal(one, two)
    assert not equal(one, other)


def test_what_never_was_fitted_is_uniform():
    assert torch.allclose(model().score(batch_of(some())).nll, torch.tensor(math.log(12)))


def test_each_expert_learns_and_together_they_are_better_than_the_floor():
    train, held_out = batch_of(some(200)), batch_of(some(40, seed=1))
    floor = math.log(12)
    for experts in (["markov"], ["neighbours"], ["markov", "acting_on_b"], ALL):
        held = model(experts=experts, window=1, votes=2)
        held.fit([train])
        assert held.score(held_out).mean() < 0.6 * floor, experts


def test_calibration_looks_only_at_text_that_was_held_out():
    held = model(order=2)
    held.fit([batch_of(some(400, seed=s)) for s in range(3)])
    assert held.get_buffer("wins").sum() > 0
    assert held.get_buffer("wins")[0] > held.get_buffer("wins")[-1]
    again = model(order=2)
    again.fit([batch_of(some(400, seed=s)) for s in range(3)])
    assert equal(held, again)


@pytest.mark.parametrize("keys", ["bit_cipher", "cooccurrence"])
def test_keys_from_text_are_spread_evenly_and_like_tokens_lie_together(keys):
    rng = np.random.default_rng(0)
    windows = rng.integers(0, 6, (200, 9)) * 2 + np.arange(9) % 2  # even and odd tokens alternate
    held = model(keys=keys, coordinates=2)
    held.fit([batch_of(windows)])
    table = held.get_buffer("keys")
    for column in table.T:
        assert sorted(column.tolist()) == [(2 * r + 1) * 10**8 // 24 for r in range(12)]
    if keys == "cooccurrence":
        first = table[:, 0].argsort() % 2
        assert first[:6].float().std() == first[6:].float().std() == 0


def test_decoding_in_steps_equals_the_whole_pass():
    held = model(experts=ALL)
    held.fit([batch_of(some())])
    tokens = torch.as_tensor(some(3, 8, seed=2))
    state, pieces = held.begin(3, 8), []
    for piece in tokens.split([3, 1, 4], dim=1):
        logits, state = held.step(piece, state)
        pieces.append(logits)
    assert torch.allclose(torch.cat(pieces, 1), held(tokens), atol=1e-6)


def test_it_meets_the_contract_and_refuses_what_it_cannot_do():
    held = model()
    assert isinstance(held, Model)
    assert isinstance(held, Decoder)
    assert list(held.parameters()) == []
    for wrong in ({"experts": ["marcov"]}, {"experts": []}, {"code_digits": 99},
                  {"signature": "tower"}, {"pair": "sum"}):  # fmt: skip
        with pytest.raises(ConfigError):
            model(**wrong)
    for tokens in (torch.tensor([[12]]), torch.tensor([[-1]]), torch.rand(2, 3)):
        with pytest.raises(DataError, match=r"^model 'noise_key' reads tokens .* from 0 to 11"):
            held.score(Batch(tokens, tokens, torch.ones(tokens.shape)))


@pytest.mark.slow
def test_fifty_thousand_tokens_and_a_million_noises_work():
    held = model(vocab=50_000, order=1, experts=["markov"], window=1, coordinates=2)
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 50_000, (2, 1040, 1000))
    held.memory.learn(Steps(a, b, np.ones(a.shape, bool)))
    held._changed()
    assert len(held.memory.book.keys) > 1_000_000
    assert held.memory.nbytes == held.memory.memory_formula()
    nll = held.score(batch_of(rng.integers(0, 50_000, (4, 33)))).nll
    assert nll.isfinite().all()
    total = held.probabilities(torch.tensor([[7, 49_999]])).sum(-1)
    assert (total - 1).abs().max() < 1e-9

"""The fast model against a slow one that is written as the formula reads."""

import math
from collections import Counter, defaultdict

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from partbench.core.config import Config
from partbench.core.dims import resolve
from partbench.core.errors import ConfigError, DataError
from partbench.data.batch import Batch
from partbench.models.contract import Model, Score
from partbench.models.ngram import NGram, discounts
from partbench.tasks.build import build_task


class SlowNGram:
    """Kneser-Ney over (history, target) pairs, with dictionaries and loops."""

    def __init__(self, windows, vocab, order):
        self.vocab, self.order = vocab, order
        self.counts = [Counter() for _ in range(order + 1)]
        preceding = [defaultdict(set) for _ in range(order + 1)]
        for window in windows:
            for end in range(1, len(window)):
                for n in range(1, order + 1):
                    if end - n + 1 >= 0:
                        self.counts[n][tuple(window[end - n + 1 : end + 1])] += 1
                    if n < order and end - n >= 0:
                        gram = tuple(window[end - n + 1 : end + 1])
                        preceding[n][gram].add(window[end - n])
        self.preceded = [Counter({g: len(s) for g, s in p.items()}) for p in preceding]

    def probability(self, history, word):
        history = tuple(history[max(0, len(history) - self.order + 1) :])
        return self._smooth(self.counts, history, word)

    def _smooth(self, tables, history, word):
        table = tables[len(history) + 1]
        many = Counter(min(count, 5) for count in table.values())
        followers = {g[-1]: c for g, c in table.items() if g[:-1] == history}
        lower = self._smooth(self.preceded, history[1:], word) if history else 1 / self.vocab
        total = sum(followers.values())
        if total == 0:
            return lower
        kept = max(0, followers.get(word, 0) - self._discount(many, followers.get(word, 0)))
        left = sum(self._discount(many, count) for count in followers.values())
        return kept / total + left / total * lower

    def _discount(self, many, count):
        c = min(count, 3)
        if c == 0:
            return 0.0
        if many[1] and many[c]:
            y = many[1] / (many[1] + 2 * many[2])
            found = c - (c + 1) * y * many[c + 1] / many[c]
            if 0 < found <= c:
                return found
        return c / 2


def batch_of(windows) -> Batch:
    tokens = torch.tensor(windows)
    return Batch(tokens[:, :-1], tokens[:, 1:], torch.ones(len(tokens), tokens.shape[1] - 1))


def fitted(windows, vocab, order=5) -> NGram:
    model = NGram(resolve(depth=1, context=8, vocab=vocab), order=order)
    model.fit([batch_of(windows)])
    return model


def some_windows(number=40, length=9, vocab=6, seed=0):
    """Windows with structure: each token is likely to follow from the one before."""
    rng = np.random.default_rng(seed)
    tokens = [0]
    for _ in range(number * length - 1):
        tokens.append(int((tokens[-1] * 2 + rng.integers(0, 3)) % vocab))
    return np.array(tokens).reshape(number, length).tolist()


@pytest.mark.parametrize("order", [1, 2, 3, 5, 7])
def test_it_equals_the_slow_model_written_as_the_formula_reads(order):
    windows = some_windows()
    fast, slow = fitted(windows, 6, order), SlowNGram(windows, 6, order)
    unseen = np.random.default_rng(1).integers(0, 6, (3, 9)).tolist()
    for window in [*windows[:2], *unseen]:
        found = fast.probabilities(torch.tensor([window[:-1]]))[0]
        for end in range(1, len(window)):
            expected = [slow.probability(window[:end], word) for word in range(6)]
            assert found[end - 1].tolist() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("windows", [[[0, 1]], [[2, 2, 2, 2]], [[0, 1, 2], [0, 1, 2], [3, 1, 2]]])
def test_it_equals_the_slow_model_on_texts_too_small_for_discounts(windows):
    fast, slow = fitted(windows, 4, 3), SlowNGram(windows, 4, 3)
    for history in ([0], [1], [2, 2], [3, 1], [0, 1, 2]):
        found = fast.probabilities(torch.tensor([history]))[0, -1].tolist()
        expected = [slow.probability(history, word) for word in range(4)]
        assert found == pytest.approx(expected, rel=1e-12)


def test_keys_are_exact_for_a_large_vocabulary_and_a_long_history():
    windows = (np.array(some_windows(20, 12)) * 9_999).tolist()
    fast, slow = fitted(windows, 50_000, 8), SlowNGram(windows, 50_000, 8)
    nll = fast.score(batch_of(windows)).nll
    for row in (0, 7):
        for end in range(1, 12):
            expected = -math.log(slow.probability(windows[row][:end], windows[row][end]))
            assert float(nll[row, end - 1]) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("order", [1, 2, 5])
def test_probabilities_sum_to_one_after_seen_and_unseen_histories(order):
    model = fitted(some_windows(vocab=11), 20, order)
    histories = torch.from_numpy(np.random.default_rng(0).integers(0, 20, (50, 7)))
    seen = torch.tensor(some_windows(vocab=11))
    for tokens in (histories, seen):
        p = model.probabilities(tokens)
        assert p.dtype == torch.float64
        assert p.min() > 0
        assert (p.sum(-1) - 1).abs().max() < 1e-9


def test_the_score_is_the_probability_of_the_target():
    windows = some_windows()
    model = fitted(windows[:20], 6)
    batch = batch_of(windows)
    score = model.score(batch)
    p = model.probabilities(batch.inputs).gather(-1, batch.targets[..., None])[..., 0]
    assert isinstance(score, Score)
    assert score.nll.dtype == torch.float32
    assert torch.allclose(score.nll.double(), -p.log(), rtol=1e-6)
    assert score.weights is batch.weights
    assert score.extra == {}


def test_the_future_cannot_leak():
    windows = torch.tensor(some_windows())
    model = fitted(windows.tolist(), 6)
    changed = windows.clone()
    changed[:, 5:] = (changed[:, 5:] + 3) % 6
    one, two = model.score(batch_of(windows.tolist())), model.score(batch_of(changed.tolist()))
    assert (one.nll[:, :4] == two.nll[:, :4]).all()  # targets 1 to 4
    assert (one.nll[:, 4] != two.nll[:, 4]).any()


def test_rows_of_a_batch_do_not_mix():
    windows = some_windows()
    model = fitted(windows[:20], 6)
    together = model.score(batch_of(windows)).nll
    alone = torch.cat([model.score(batch_of([window])).nll for window in windows])
    assert (together == alone).all()


def test_no_gram_crosses_from_one_window_into_the_next():
    model = fitted([[0, 1], [2, 3], [4, 5]], 6, order=2)
    assert model.get_buffer("gram_2").numel() == 3
    assert model.get_buffer("gram_1").tolist() == [1, 3, 5]


def test_a_short_history_is_answered_by_the_model_of_that_order():
    windows = some_windows()
    tokens = torch.tensor(windows)
    full = fitted(windows, 6, order=5).probabilities(tokens)
    for order in (2, 3, 4):
        short = fitted(windows, 6, order).probabilities(tokens)
        assert torch.equal(full[:, order - 2], short[:, order - 2])


def test_batches_may_be_cut_and_ordered_in_any_way():
    windows = some_windows()
    model = NGram(resolve(depth=1, context=8, vocab=6))
    model.fit(batch_of(windows[start : start + 7]) for start in range(35, -1, -7))
    for name, table in fitted(windows, 6).state_dict().items():
        assert torch.equal(table, model.state_dict()[name])


def test_fitting_again_forgets_what_was_learned_before():
    model = fitted(some_windows(seed=1), 6)
    model.fit([batch_of(some_windows())])
    tokens = torch.tensor([[1, 2, 3]])
    assert torch.equal(model(tokens), fitted(some_windows(), 6)(tokens))


def test_targets_of_weight_zero_are_not_counted():
    batch = batch_of(some_windows(vocab=5))
    weights = (batch.targets != 3).float()
    model = NGram(resolve(depth=1, context=8, vocab=6), order=3)
    model.fit([batch._replace(weights=weights)])
    assert 3 not in model.get_buffer("gram_1").tolist()
    assert (model.probabilities(batch.inputs).sum(-1) - 1).abs().max() < 1e-9


@pytest.mark.parametrize("order", [1, 2, 5])
@pytest.mark.parametrize("cuts", [[1] * 8, [3, 5], [8], [0, 6, 0, 2]])
def test_decoding_in_steps_equals_the_whole_pass(order, cuts):
    windows = some_windows()
    model = fitted(windows, 6, order)
    tokens = torch.tensor(windows)[:, :8]
    state, pieces = model.begin(len(tokens), 8), []
    for piece in tokens.split(cuts, dim=1):
        logits, state = model.step(piece, state)
        pieces.append(logits)
    assert torch.equal(torch.cat(pieces, dim=1), model(tokens))
    assert state.shape[1] <= max(0, order - 1)


def test_saving_and_loading_keeps_every_answer():
    model = fitted(some_windows(), 6)
    saved = save(model.state_dict())
    fresh = NGram(resolve(depth=1, context=8, vocab=6))
    fresh.load_state_dict(load(saved))
    tokens = torch.from_numpy(np.random.default_rng(0).integers(0, 6, (5, 8)))
    assert torch.equal(fresh(tokens), model(tokens))
    parent = torch.nn.ModuleDict({"inner": NGram(resolve(depth=1, context=8, vocab=6))})
    parent.load_state_dict({f"inner.{name}": table for name, table in load(saved).items()})
    assert torch.equal(parent["inner"](tokens), model(tokens))


def test_damaged_counts_are_refused():
    state = fitted(some_windows(), 6).state_dict()
    state["count_3"] = state["count_3"][:-1]
    with pytest.raises(RuntimeError, match="count_3 and gram_3 differ in length"):
        NGram(resolve(depth=1, context=8, vocab=6)).load_state_dict(state)
    with pytest.raises(RuntimeError, match="Missing key"):
        NGram(resolve(depth=1, context=8, vocab=6)).load_state_dict({})


def test_another_number_type_does_not_touch_the_counts():
    model = fitted(some_windows(), 6)
    before = model(torch.tensor([[1, 2, 3]]))
    assert torch.equal(model.to(torch.bfloat16)(torch.tensor([[1, 2, 3]])), before)


def test_a_model_that_counted_nothing_is_uniform():
    for model in (NGram(resolve(depth=1, context=8, vocab=6)), fitted([[1]], 6)):
        assert torch.allclose(model.score(batch_of([[1, 2, 3]])).nll, torch.tensor(math.log(6)))
    model.fit([])
    assert torch.allclose(model.probabilities(torch.tensor([[5]])), torch.tensor(1 / 6).double())
    fresh = NGram(resolve(depth=1, context=8, vocab=6))
    fresh.load_state_dict(model.state_dict())
    assert torch.equal(fresh(torch.tensor([[5]])), model(torch.tensor([[5]])))


@pytest.mark.parametrize("shape", [(0, 4), (3, 0), (0, 0)])
def test_nothing_to_score_is_scored_as_nothing(shape):
    model = fitted(some_windows(), 6)
    tokens = torch.zeros(shape, dtype=torch.int64)
    assert model.score(Batch(tokens, tokens, torch.ones(shape))).nll.shape == shape
    assert model(tokens).shape == (*shape, 6)


def test_what_is_no_token_is_refused():
    model = NGram(resolve(depth=1, context=8, vocab=6))
    for tokens in (torch.tensor([[6]]), torch.tensor([[-1]]), torch.rand(2, 3), torch.tensor([1])):
        with pytest.raises(DataError, match=r"^model 'ngram' reads tokens .* from 0 to 5[^\n]*$"):
            model.score(Batch(tokens, tokens, torch.ones(tokens.shape)))
    with pytest.raises(ConfigError, match=r"^model\.order: 0 is below 1"):
        NGram(resolve(depth=1, context=8, vocab=6), order=0)


def test_it_meets_the_contract_without_a_parameter():
    model = NGram(resolve(depth=1, context=8, vocab=6), order=3)
    assert isinstance(model, Model)
    assert NGram.PHASES == ("fit",)
    assert NGram.ROLES == {}
    assert list(model.parameters()) == []
    assert model.flops() == 2 * 3 * 8
    with torch.device("meta"):
        assert NGram(resolve(depth=1, context=8, vocab=6)).get_buffer("gram_1").is_meta


def test_discounts_are_those_of_the_paper_and_stay_within_their_count():
    counts = np.repeat([1, 2, 3, 4, 9], [50, 20, 10, 6, 30])
    y = 50 / (50 + 2 * 20)
    expected = [0, 1 - 2 * y * 20 / 50, 2 - 3 * y * 10 / 20, 3 - 4 * y * 6 / 10]
    assert discounts(counts).tolist() == pytest.approx(expected)
    for odd in ([], [1], [2, 2], [9] * 5, [1, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 4]):
        found = discounts(np.array(odd, dtype=np.int64))
        assert (found[1:] > 0).all()
        assert (found <= [0, 1, 2, 3]).all()


def test_longer_histories_predict_held_out_shakespeare_better(tmp_path, monkeypatch):
    monkeypatch.setenv("PARTBENCH_HOME", str(tmp_path))
    task = build_task(Config({"task": {"evaluation_tokens": 8192}}).resolved)
    batches = [task.batch(0, step, 16) for step in range(100)]
    found = {}
    for order in (1, 2, 5):
        model = NGram(resolve(depth=1, context=64, vocab=256), order=order)
        model.fit(batches)
        tallies = np.array([task.tally(model.score(b), b) for b in task.evaluation(0, 32)])
        found[order] = float(np.divide(*tallies.sum(0)))
    assert found[5] < found[2] < found[1]
    assert 4.5 < found[1] < 5.0
    assert 2.2 < found[5] < 2.8

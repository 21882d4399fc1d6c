"""Documents in three layouts: the same text, the same number of targets, nothing made up."""

import numpy as np
import pytest
import torch

from partbench.core.dims import resolve
from partbench.core.errors import ConfigError, DataError
from partbench.models.contract import Score
from partbench.tasks.documents import END, Documents

DIMS = resolve(depth=1, width=16, context=16)
LAYOUTS = ("packed", "padded", "similar")


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    monkeypatch.setenv("PARTBENCH_HOME", str(tmp_path / "home"))
    random = np.random.default_rng(0)
    texts = ["x" * int(n) + str(i) for i, n in enumerate(random.integers(0, 30, 120))]
    path = tmp_path / "text.txt"
    path.write_text("\n\n".join([*texts, "", "last"]))
    return path


def task(corpus, **settings):
    return Documents(DIMS, corpus=str(corpus), folds=4, evaluation_tokens=200, **settings)


def documents(batch):
    """The documents of a batch, each as its targets that count."""
    found, now = [], []
    rows = (item.flatten().tolist() for item in batch)
    for given, wanted, weight in zip(*rows, strict=True):
        if given == END and now:
            found.append(now)
            now = []
        if weight:
            now.append(wanted)
    return [bytes(b for b in row if b != END) for row in [*found, now] if row]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_document_is_a_piece_of_the_text_outside_the_fold(corpus, layout):
    made, text = task(corpus, layout=layout), corpus.read_bytes()
    begin, end = made._held_out(1).nonzero()[0][[0, -1]]
    for step in range(4):
        for document in documents(made.batch(1, step, 8)):
            assert document in text
    held_out = {tuple(piece) for piece in zip(*made.pieces.some(made._held_out(1)), strict=True)}
    trained = {tuple(piece) for piece in zip(*made.pieces.some(~made._held_out(1)), strict=True)}
    assert held_out.isdisjoint(trained)
    assert begin < end


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_step_has_about_batch_times_context_targets(corpus, layout):
    made = task(corpus, layout=layout)
    counts = [int(made.batch(1, step, 8).weights.sum()) for step in range(40)]
    assert abs(np.mean(counts) - 8 * 16) < 16
    batch = made.batch(1, 0, 8)
    assert batch.inputs.shape[1] == 16 or layout == "similar"
    for one, other in zip(batch, made.batch(1, 0, 8), strict=True):
        assert torch.equal(one, other)  # a pure function of seed and step
    assert not torch.equal(batch.inputs, made.batch(1, 1, 8).inputs)


def test_rows_are_documents_between_ends(corpus):
    made = task(corpus, layout="padded")
    batch = made.batch(1, 0, 8)
    assert (batch.inputs[:, 0] == END).all()
    assert torch.equal(batch.inputs[:, 1:], batch.targets[:, :-1])
    lengths = batch.weights.sum(1).int().tolist()
    for targets, weights, length in zip(batch.targets, batch.weights, lengths, strict=True):
        assert weights[:length].all()
        assert (targets[:length] == END).sum() <= 1


def test_like_lengths_stand_together_and_waste_less(corpus):
    def share(layout):
        batches = [task(corpus, layout=layout).batch(1, step, 8) for step in range(10)]
        counts = sum(float(batch.weights.sum()) for batch in batches)
        return counts / sum(batch.weights.numel() for batch in batches)

    assert share("padded") < 0.8 < share("similar")
    assert share("packed") > 0.9


def test_packed_and_padded_hold_the_same_documents(corpus):
    packed, padded = (task(corpus, layout=layout).batch(1, 0, 8) for layout in ("packed", "padded"))
    assert documents(packed)[:-2] == documents(padded)[: len(documents(packed)) - 2]


def test_scores_do_not_depend_on_the_layout_and_count_dividers_as_bytes(corpus):
    batches = [list(task(corpus, layout=layout).evaluation(2, 5)) for layout in LAYOUTS]
    for one, other in zip(batches[0], batches[2], strict=True):
        assert torch.equal(one.targets, other.targets)
    made, batch = task(corpus), batches[0][0]
    nll = torch.ones_like(batch.weights)
    bits, size = made.tally(Score(nll, batch.weights, {}), batch)
    ends = int(((batch.targets == END) & (batch.weights > 0)).sum())
    assert size == float(batch.weights.sum()) + ends
    assert bits == pytest.approx(float(batch.weights.sum()) / np.log(2))
    assert made.decode(made.encode("ab\n\nc")) == "ab\n\nc"
    assert made.encode("ab\n\nc").tolist() == [97, 98, END, 99]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"divider": ""}, "task.divider"),
        ({"folds": 1}, "task.folds"),
        ({"folds": 999}, "documents"),
    ],
)
def test_settings_that_cannot_be_are_refused_in_one_line(corpus, settings, said):
    with pytest.raises((ConfigError, DataError), match=said):
        Documents(DIMS, **{"corpus": str(corpus), "folds": 4, **settings})

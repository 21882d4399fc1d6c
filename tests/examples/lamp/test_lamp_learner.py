"""Correcting equals having known, to the last bit; a table is a function of the labels alone."""

import random
from collections import Counter

import pytest
import torch
from lamp.evaluation.dialogue import Home
from lamp.learner import Learner, Settings, _bags, _scores
from lamp.mind import Mind
from lamp.tags import LIT, NOTHING, TAGS
from lamp.words import LONGEST, marks, words


def lines(number=60, seed=0):
    said = Home("design", seed).heard()
    return [next(said) for _ in range(number)]


def taught(pairs, **settings):
    learner = Learner(Settings(**settings))
    for number, text, tag in pairs:
        learner.learn(number, text, tag)
    return learner


def test_relabelling_equals_a_recount_from_scratch():
    """Spec 11, test 16; here to the bit, for F holds whole numbers."""
    draw = random.Random(0)
    right = [(number, line.text, line.tag) for number, line in enumerate(lines())]
    learner = taught((number, text, draw.choice(TAGS)) for number, text, _ in right)
    learner.mind()  # a search for tau takes lines out and puts them back
    for number, text, _ in right[::2]:
        learner.learn(number, text, draw.choice(TAGS))
    for item in draw.sample(right, len(right)):
        learner.learn(*item)
    fresh = taught(right)
    rows = len(fresh.rows)
    assert learner.rows == fresh.rows
    assert torch.equal(learner.evidence.sums[:, :rows], fresh.evidence.sums[:, :rows])
    assert torch.equal(learner.evidence.classes, fresh.evidence.classes)
    assert torch.equal(learner.evidence.norms, fresh.evidence.norms)
    assert learner.mind().written() == fresh.mind().written()


def test_the_sums_are_counts_of_marks_by_tag():
    pairs = [(number, line.text, line.tag) for number, line in enumerate(lines(300))]
    learner = taught(pairs)
    assert len(learner.rows) > 256, "the sums had to grow"
    counts = Counter((mark, tag) for _, text, tag in pairs for mark in marks(text))
    for mark, row in learner.rows.items():
        found = learner.evidence.sums[:, row].tolist()
        assert found == [counts[mark, tag] for tag in TAGS]


def test_a_table_is_read_as_it_was_made(tmp_path):
    learner = taught((number, line.text, line.tag) for number, line in enumerate(lines()))
    mind = learner.mind()
    path = tmp_path / "table"
    path.write_bytes(mind.written())
    again = Mind.read(path)
    assert again is not None
    for line in lines(20, seed=1):
        assert again.probabilities(line.text) == mind.probabilities(line.text)
        own = [row for mark in marks(line.text) if (row := mind.rows.get(mark)) is not None]
        weights = torch.tensor(list(mind.weights)).view(-1, len(TAGS)).double()
        scores = weights[own].sum(0) + torch.tensor(mind.bias, dtype=torch.float64)
        assert mind.probabilities(line.text) == pytest.approx(scores.softmax(0).tolist(), abs=1e-9)


def test_a_table_that_is_not_whole_is_not_read(tmp_path):
    data = taught([(0, "light on", LIT)]).mind().written()
    path = tmp_path / "table"
    assert Mind.read(path) is None
    for cut in [*range(0, len(data), 7), len(data) - 1]:
        path.write_bytes(data[:cut])
        assert Mind.read(path) is None


def test_training_goes_on_from_the_closed_form_and_fits_better():
    pairs = [(number, line.text, line.tag) for number, line in enumerate(lines(120))]

    def loss(learner):
        mind = learner.mind()
        recent = list(learner.lines.values())
        weight = torch.tensor(list(mind.weights)).view(-1, len(TAGS)).double()
        scores = _scores(_bags(recent), weight) + torch.tensor(mind.bias, dtype=torch.float64)
        targets = torch.tensor([line.tag for line in recent])
        return float(torch.nn.functional.cross_entropy(scores, targets))

    nothing = loss(taught(pairs, warm=False, steps=0))
    warm, trained = loss(taught(pairs, steps=0)), loss(taught(pairs))
    assert trained < warm < nothing


def test_who_has_heard_nothing_and_what_is_not_known_means_nothing():
    assert Mind.empty().forecast("turn on the light").tag == NOTHING
    for mind in (Learner().mind(), taught([(0, "light on", LIT)]).mind()):
        forecast = mind.forecast("quux")
        assert forecast.tag == NOTHING
    assert not mind.forecast("").sure or mind.forecast("").tag == NOTHING


def test_no_random_number_is_drawn():
    state = torch.random.get_rng_state()
    taught((number, line.text, line.tag) for number, line in enumerate(lines(20))).mind()
    assert torch.equal(torch.random.get_rng_state(), state)


def test_marks_are_words_and_their_letters():
    assert words("It's DARK, Émile!") == ["it's", "dark", "émile"]
    assert marks("on on") == ["w on", "3 ^on", "3 on$"]
    assert marks("a") == ["w a", "3 ^a$"]
    assert marks("...") == []
    assert len(words("a " * LONGEST)) == LONGEST // 2

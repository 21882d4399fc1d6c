"""Stub search, look-ahead against plain minimax, and sequence pairs learned one at a time."""

import itertools

import numpy as np
import pytest

from partbench.core.errors import DataError
from partbench.models.noise_keys.look_ahead import Game
from partbench.models.noise_keys.pairs import Pairs, Settings
from partbench.models.noise_keys.stubs import Search, World, best
from partbench.parts.probability.softmax import Softmax

COPIES = [((1, 2, 3), (1, 2, 3)), ((4, 5), (4, 5)), ((6, 7, 0, 1), (6, 7, 0, 1)), ((3,), (3,))]
WORDS = [((1, 2), (5, 6, 7)), ((5,), (4,)), ((2, 2, 2, 2), (0, 1))]


def table_world(seed=0, vocab=3, length=3):
    """log p that depends on the whole stub, drawn once; stubs of `length` are finished."""
    drawn = np.random.default_rng(seed).random((vocab + 1,) * length + (vocab,))

    def likely(tokens):
        rows = [drawn[tuple([*row, *[vocab] * (length - len(row))][:length])] for row in tokens]
        return np.log(np.array(rows) / np.sum(rows, axis=1, keepdims=True))

    return World(
        likely, lambda t: np.zeros(len(t)), lambda t: np.full(len(t), t.shape[1] == length)
    )


def test_type_a_with_a_wide_beam_finds_the_best_of_all():
    world = table_world()
    found = best(world, Search(beam=27, width=0), 3)

    def value(row):
        return sum(float(world.likely(np.array([row[:t]], dtype=int).reshape(1, t))[0][row[t]])
                   for t in range(3))  # fmt: skip

    assert tuple(found) == max(itertools.product(range(3), repeat=3), key=value)


def test_the_penalty_turns_the_choice():
    world = table_world()
    wanted = (2, 2, 2)
    off = world._replace(penalty=lambda t: 9.0 * (t != np.array(wanted)[: t.shape[1]]).mean(1))
    assert tuple(best(off, Search(beam=9, width=0), 3)) == wanted


def plain(game, stub, total, depth):
    """Minimax as it reads."""
    if not depth:
        return game.score(stub, total)
    return max(
        min(plain(game, (*stub, r), total + p, depth - 1)
            for r in (game.replies(stub, token) if game.replies else [token]))
        for token, p in game.moves(stub)
    )  # fmt: skip


@pytest.mark.parametrize("adversary", [False, True])
def test_alpha_beta_is_minimax_and_looks_at_less(adversary):
    for seed in range(6):
        rng = np.random.default_rng(seed)
        drawn = {s: -rng.random() for n in range(6) for s in itertools.product(range(3), repeat=n)}

        def moves(stub, drawn=drawn):
            return [(t, drawn[(*stub, t)] if len(stub) < 5 else -0.1) for t in range(3)]

        game = Game(
            moves,
            (lambda stub, token: [token, (token + 1) % 3]) if adversary else None,
            lambda stub, total, d=drawn: total / max(1, len(stub)) + d.get(stub, 0),
            lambda total, length: total / length,
        )
        assert game.value((), 0.0, 4) == pytest.approx(plain(game, (), 0.0, 4))
        assert game.visited < (1 if not adversary else 2) * sum(6**n for n in range(5))


@pytest.mark.parametrize("stop", ["end", "kernel", "middle"])
def test_known_pairs_are_answered_as_they_were_learned(stop):
    """The middle layer knows only the mean ratio of lengths, so it is asked for copies alone."""
    known = COPIES if stop == "middle" else COPIES + WORDS
    pairs = Pairs(8, Softmax(), Settings(stop=stop))
    pairs.learn(known)
    assert [pairs.answer(a) for a, _ in known] == [b for _, b in known]


@pytest.mark.parametrize("hops", [1, 2])
def test_pairs_learned_one_at_a_time_equal_pairs_learned_at_once(hops):
    at_once, online = (Pairs(8, Softmax(), Settings(hops=hops)) for _ in range(2))
    at_once.learn(COPIES + WORDS)
    for pair in reversed(COPIES + WORDS):
        online.learn([pair])
    for one, other in zip(
        at_once.memory.arrays().values(), online.memory.arrays().values(), strict=True
    ):
        assert np.array_equal(one, other)
    assert (at_once.middle.sums == online.middle.sums).all()
    assert [at_once.answer(a) for a, _ in WORDS] == [online.answer(a) for a, _ in WORDS]


def test_an_unlearned_pair_leaves_no_trace():
    never, once = Pairs(8, Softmax()), Pairs(8, Softmax())
    never.learn(COPIES)
    once.learn(WORDS)
    once.learn(COPIES)
    once.unlearn(WORDS)
    assert once.past == never.past
    assert (once.middle.sums == never.middle.sums).all()
    for one, other in zip(
        never.memory.arrays().values(), once.memory.arrays().values(), strict=True
    ):
        assert np.array_equal(one, other)
    with pytest.raises(DataError, match="never learned"):
        once.unlearn([((7, 7), (7,))])


def test_several_noises_a_token_give_more_outputs_than_inputs():
    known = [((1, 2), (1, 3, 2, 4)), ((5,), (5, 6)), ((2, 1, 5), (2, 4, 1, 3, 5, 6))]
    pairs = Pairs(8, Softmax(), Settings(hops=2, stop="middle", sentences=1))
    pairs.learn(known)
    assert [pairs.answer(a) for a, _ in known] == [b for _, b in known]


def test_looking_ahead_visits_more_and_still_answers():
    pairs = Pairs(8, Softmax(), Settings(depth=1, adversary=True, search=Search(beam=2, width=3)))
    pairs.learn(COPIES)
    assert len(pairs.answer((1, 2, 3))) == 3
    assert pairs.visited > 0


def test_what_is_no_pair_is_refused_and_nothing_changes():
    pairs = Pairs(8, Softmax())
    for wrong in (((), (1,)), ((1,), ()), ((8,), (1,)), ((-1,), (1,))):
        with pytest.raises(DataError):
            pairs.learn([COPIES[0], wrong])
    with pytest.raises(DataError, match="nothing has been learned"):
        pairs.answer((1,))
    assert not pairs.past

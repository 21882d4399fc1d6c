"""The parts of the slot `data`: what they leave out, change or add, and what they leave alone."""

import numpy as np
import pytest

from partbench.core.errors import ConfigError, DataError
from partbench.data.stretch import Source, Stretch
from partbench.data.training.deduplicated import Deduplicated
from partbench.data.training.minhash import Seen
from partbench.data.training.mixture import Mixture
from partbench.data.training.noise import Noise

TOKENS = Source((Stretch(np.arange(3000, dtype=np.uint16)),))


def source(*texts: str) -> Source:
    return Source(tuple(Stretch(np.frombuffer(text.encode(), np.uint8)) for text in texts))


def text_of(prepared: list[Source]) -> list[str]:
    return [stretch.raw.tobytes().decode() for stretch in prepared[0].stretches]


def test_the_first_of_equal_paragraphs_stays_over_all_stretches():
    found = Deduplicated().prepare(
        source("one\n\ntwo\nlines\n\none", "three\n\ntwo  lines\n\nfour")
    )
    assert text_of(found) == ["one\n\ntwo\nlines\n\nthree\n\nfour"]


def test_the_first_of_equal_lines_stays_and_blank_lines_do_not_pile_up():
    found = Deduplicated(unit="line").prepare(source("a\nb\n\nb\n\na \n\nc\nb"))
    assert text_of(found) == ["a\nb\n\nc"]


@pytest.mark.parametrize("piece", [3, 7, 1 << 20])
def test_what_has_no_duplicates_stays_as_it_is(monkeypatch, piece):
    monkeypatch.setattr("partbench.data.training.deduplicated.PIECE", piece)
    text = "".join(f"naïve paragraph {i}\nof two lines\n\n" for i in range(30))
    assert text_of(Deduplicated().prepare(source(text))) == [text]


def words(seed: int, count: int = 60) -> list[str]:
    drawn = np.random.default_rng(seed).integers(0, 5000, count)
    return [f"w{number}" for number in drawn]


def test_near_duplicates_are_left_out_from_the_share_that_is_asked_for():
    one, other = words(1), words(2)
    changed = [*one[:58], "another", *one[59:]]  # 51 of 61 runs of five in common
    text = "\n\n".join(" ".join(each) for each in (one, other, changed))
    for near, left in ((0.0, 3), (0.6, 2), (0.99, 3)):
        found = text_of(Deduplicated(near=near).prepare(source(text)))[0]
        assert len(found.split("\n\n")) == left, near


def test_minhash_estimates_the_share_of_common_runs():
    base = words(3, 400)
    for kept in (100, 200, 300):
        other = base[:kept] + words(4, 400)[kept:]
        runs = [{tuple(each[i : i + 5]) for i in range(396)} for each in (base, other)]
        exact = len(runs[0] & runs[1]) / len(runs[0] | runs[1])
        seen = Seen(0.0)
        seen.like(" ".join(base).encode())
        seen.similarity = 2.0  # so that the second is kept, too
        seen.like(" ".join(other).encode())
        estimate = (seen.signatures[0] == seen.signatures[1]).mean()
        assert abs(estimate - exact) < 4 * (exact * (1 - exact) / 128) ** 0.5


def test_paragraphs_too_short_for_a_run_are_no_near_duplicates():
    assert text_of(Deduplicated(near=0.5).prepare(source("yes sir\n\nyes sire"))) == [
        "yes sir\n\nyes sire"
    ]


def test_noise_keeps_lengths_and_everything_beyond_ascii():
    text = "A naïve 王 wrote this.\n" * 400
    given = source(text, text[:500])
    found = Noise(rate=0.2).prepare(given)[0].stretches
    for before, after in zip(given.stretches, found, strict=True):
        assert len(before.raw) == len(after.raw)
        assert (before.raw[before.raw > 127] == after.raw[before.raw > 127]).all()
        after.raw.tobytes().decode()
    changed = (given.stretches[0].raw != found[0].raw)[given.stretches[0].raw < 128]
    # A replaced character draws itself as often as it is frequent.
    plain = given.stretches[0].raw[given.stretches[0].raw < 128]
    same = ((np.bincount(plain) / len(plain)) ** 2).sum()
    assert abs(changed.mean() - 0.2 * (1 - same)) < 4 * (0.2 * 0.8 / len(plain)) ** 0.5


def test_no_noise_is_no_change_and_tokens_take_it_anywhere():
    assert text_of(Noise(rate=0.0).prepare(source("abc\n" * 9))) == ["abc\n" * 9]
    (found,) = Noise(rate=0.5).prepare(TOKENS)[0].stretches
    changed = found.raw != TOKENS.stretches[0].raw
    assert 0.4 < changed.mean() < 0.6
    assert changed[:100].any()
    assert changed[200:].any()


def test_a_mixture_is_the_training_part_and_another_text_by_shares(texts):
    (texts / "other.txt").write_text("other " * 50)
    part, given = Mixture(corpus=str(texts / "other.txt"), share=0.25), source("mine " * 50)
    base, other = part.prepare(given)
    assert base == Source(given.stretches, 0.75)
    assert other.share == 0.25
    assert other.stretches[0].raw.tobytes() == b"other " * 50


def test_what_cannot_be_done_is_refused_in_one_line():
    for error, call in (
        (ConfigError, lambda: Mixture(share=0.0)),
        (ConfigError, lambda: Deduplicated(near=0.3)),
        (DataError, lambda: Deduplicated().prepare(TOKENS)),
        (DataError, lambda: Mixture().prepare(TOKENS)),
    ):
        with pytest.raises(error, match=r"^(data|corpus)[^\n]*$"):
            call()

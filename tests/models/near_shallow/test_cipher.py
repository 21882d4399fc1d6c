"""Bit-ciphers and co-occurrence vectors against golden orders and values worked out by hand."""

import numpy as np
import pytest
import torch

from partbench.core.errors import ConfigError
from partbench.parts import cipher
from partbench.parts.cooccurrence import Cooccurrence

GOLDEN = {
    3: "100 010 001 011 101 110 111",
    4: "1000 0100 0010 0001 0011 0101 1001 0110 1010 1100 1101 1011 0111 1110 1111",
    5: "10000 01000 00100 00010 00001 00011 00101 01001 10001 00110 01010 10010 01100 10100 11000 "
    "11001 10101 01101 10011 01011 00111 11010 10110 01110 11100 11101 01111 10111 11011 11110 "
    "11111",
}


def words(eta) -> str:
    return " ".join("".join(str(int(bit)) for bit in row) for row in eta)


@pytest.mark.parametrize("bits", GOLDEN)
def test_codes_come_in_the_golden_order_however_many_are_asked_for(bits):
    assert words(cipher.codes(bits, 2**bits - 1)) == GOLDEN[bits]
    for count in range(1, 2**bits):
        assert words(cipher.codes(bits, count)) == " ".join(GOLDEN[bits].split()[:count])


@pytest.mark.parametrize(("bits", "count"), [(8, 255), (12, 4000), (50, 3000)])
def test_codes_are_distinct_and_the_frequent_have_fewer_bits(bits, count):
    eta = cipher.codes(bits, count)
    weights = eta.sum(1)
    assert len(np.unique(eta, axis=0)) == count
    assert (np.diff(weights) >= 0).all()
    assert weights[0] == 1
    assert np.abs(cipher.normalised(eta).sum(1) - 1).max() < 1e-12
    assert eta.tobytes() == cipher.codes(bits, count).tobytes()


def test_as_many_bits_as_tokens_are_one_hots():
    assert (cipher.codes(9, 9) == np.eye(9)).all()


def test_too_few_bits_are_refused_with_the_fewest_that_do():
    assert len(cipher.codes(3, 7)) == 7
    with pytest.raises(ConfigError, match=r"^model\.bits: 3 bits give 7 codes.*give 4 or more$"):
        cipher.codes(3, 8, "model.bits")


def test_every_vector_deciphers_to_its_own_token():
    for bits, count in [(3, 7), (5, 31), (8, 255), (20, 500)]:
        eta = cipher.codes(bits, count)
        assert (cipher.decipher(eta, cipher.normalised(eta)) == np.arange(count)).all()


def test_comparisons_need_no_multiplication():
    eta = cipher.codes(3, 7)
    found, vectors = cipher.comparisons(eta, eta), cipher.normalised(eta)
    assert np.abs(found - vectors @ vectors.T).max() < 1e-15
    assert found[0, 5] == 1 / 2  # 100 . 110
    assert found[3, 4] == 1 / 4  # 011 . 101
    assert found[6, 6] == pytest.approx(1 / 3)
    wide = cipher.codes(21, 400)
    vectors = cipher.normalised(wide)
    assert np.abs(cipher.comparisons(wide[:9], wide) - vectors[:9] @ vectors.T).max() < 1e-15


def test_the_edge_has_a_dimension_of_its_own():
    table = cipher.with_edge(cipher.normalised(cipher.codes(4, 9)))
    assert table.shape == (10, 5)
    assert table[9].tolist() == [1, 0, 0, 0, 0]
    assert (table[:9, 0] == 0).all()
    assert table.sum(1) == pytest.approx(1)


def test_ranks_go_by_frequency_then_by_what_was_seen_first():
    counts = np.array([2, 5, 2, 0, 9])
    assert cipher.ranks(counts).tolist() == [2, 1, 3, 4, 0]
    assert cipher.ranks(counts, np.array([7, 1, 3, 99, 0])).tolist() == [3, 1, 2, 4, 0]


def test_unknown_tokens_are_one_type_as_frequent_as_there_are_types():
    counts = cipher.with_unknown(np.array([9, 5, 2, 1]))
    assert counts.tolist() == [9, 5, 2, 1, 4]
    assert cipher.ranks(counts).tolist() == [0, 1, 3, 4, 2]


@pytest.mark.parametrize("kind", ["nf", "df", "f", "dfnf", "all"])
def test_noise_keeps_rows_that_sum_to_one_and_frequent_tokens_clean(kind):
    counts = np.array([90.0, 40, 7, 2, 1, 1, 1])
    share = np.array([1, 0.9, 0.5, 0.2, 0.1, 0.1, 0.1])
    vectors = cipher.normalised(cipher.codes(3, 7))
    beta = cipher.certainty(counts, share, kind)
    blurred = cipher.noisy(vectors, counts, beta)
    assert (blurred >= 0).all()
    assert np.abs(blurred.sum(1) - 1).max() < 1e-12
    moved = np.abs(blurred - vectors).sum(1)
    assert moved[0] < 0.02 < moved[6]


def test_certainties_worked_out_by_hand():
    counts, share = np.array([5.0, 1, 1]), np.array([1, 0.5, 0.25])
    by = {kind: cipher.certainty(counts, share, kind) for kind in ("nf", "df", "f", "dfnf", "all")}
    assert by["nf"].tolist() == [1, 0.5, 0.5]
    assert by["f"] == pytest.approx([5 / 6, 1 / 2, 1 / 2])
    assert by["dfnf"] == pytest.approx([1, 0.5, 0.125**0.5])
    assert by["all"] == pytest.approx([(5 / 6) ** (1 / 3), 0.5, 0.0625 ** (1 / 3)])
    clean = cipher.noisy(cipher.normalised(cipher.codes(2, 3)), counts, np.ones(3))
    assert (clean == cipher.normalised(cipher.codes(2, 3))).all()


def table(bits=3, count=5) -> torch.Tensor:
    return torch.from_numpy(cipher.with_edge(cipher.normalised(cipher.codes(bits, count))))


def slow(tokens, vectors, offsets) -> torch.Tensor:
    """As the definition reads."""
    blocks = torch.zeros(len(offsets), *vectors.shape, dtype=torch.float64)
    for number, offset in enumerate(offsets):
        for document in tokens.tolist():
            for place, token in enumerate(document):
                there = place + offset
                inside = 0 <= there < len(document)
                blocks[number, token] += vectors[document[there] if inside else len(vectors) - 1]
    return blocks


@pytest.mark.parametrize("offsets", [(-1,), (1,), (-2, -1, 1, 2), (-6, 3, 9)])
def test_cooccurrences_are_the_sums_of_their_definition(offsets):
    tokens = torch.from_numpy(np.random.default_rng(0).integers(0, 4, (7, 6)))
    found = Cooccurrence(table(), offsets)
    found.add(tokens)
    assert (found.blocks - slow(tokens, table(), offsets)).abs().max() < 1e-12
    for mode, width in (("sum", 4), ("cat", 4 * len(offsets))):
        vectors = found.vectors(mode)
        assert vectors.shape == (6, width)
        assert (vectors >= 0).all()
        assert (vectors.sum(1) - 1).abs().max() < 1e-12


def test_cooccurrences_add_up_over_shards_and_can_be_taken_away():
    tokens = torch.from_numpy(np.random.default_rng(1).integers(0, 5, (8, 9)))
    whole, one, other = (Cooccurrence(table(), (-1, 2)) for _ in range(3))
    whole.add(tokens)
    one.add(tokens[:3])
    other.add(tokens[3:])
    one.merge(other)
    assert (one.blocks - whole.blocks).abs().max() < 1e-12
    whole.add(tokens[3:], weight=-1)
    one.add(tokens[3:], weight=-1)
    assert (one.blocks - whole.blocks).abs().max() < 1e-12


def test_tokens_in_the_same_places_get_the_same_vector_unlike_their_ciphers():
    tokens = torch.tensor([[0, 1, 2], [0, 3, 2]])
    found = Cooccurrence(table(), (-1, 1))
    found.add(tokens)
    vectors = found.vectors("cat")
    assert torch.equal(vectors[1], vectors[3])
    assert not torch.equal(table()[1], table()[3])
    assert torch.equal(vectors[4], torch.cat([table()[4]] * 2) / 2)  # never seen: its cipher
    assert torch.equal(vectors[5], torch.cat([table()[5]] * 2) / 2)  # the edge

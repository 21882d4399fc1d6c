import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partbench.core.errors import ConfigError, InputError
from partbench.data import cache
from partbench.data.stretch import Stretch
from partbench.data.tokenizers import BPE, Bytes, Ready, bpe


@pytest.fixture(scope="module")
def trained():
    """A small BPE, trained once for all tests of this file."""
    text = "The naïve cat sat; 12 cats sat on mats, purring while dogs bark at passers-by.\n"
    return bpe.BytePairs(bpe._train([Stretch(np.frombuffer(text.encode() * 50, np.uint8))], 300))


@pytest.fixture
def prose():
    """A training part for what needs the cache."""
    text = b"the cat and the dog and the rat\n" * 50
    return [Stretch(np.frombuffer(text, np.uint8))]


def learned(training, vocab):
    return BPE(vocab=vocab).learn(training)


def bytes_of(tokenizer, ids) -> bytes:
    return b"".join(tokenizer._bytes[token] for token in ids)


def test_bytes_are_their_own_tokens():
    tokenizer = Bytes()
    text = "naïve 日本\n"
    ids = tokenizer.encode(text.encode())
    assert (ids.dtype, tokenizer.vocab) == (np.uint8, 256)
    assert ids.tolist() == list(text.encode())
    assert tokenizer.decode(ids) == text
    assert tokenizer.decode([0xFF, 0x41]) == "\ufffdA"
    assert tokenizer.token_bytes().tolist() == [1] * 256


@settings(deadline=None, max_examples=200)
@given(data=st.binary(max_size=200))
def test_bpe_gives_any_bytes_back(trained, data):
    ids = trained.encode(data)
    assert bytes_of(trained, ids) == data
    assert trained.token_bytes()[ids].sum() == len(data)


@settings(deadline=None, max_examples=100)
@given(text=st.text(max_size=100))
def test_bpe_gives_any_text_back(trained, text):
    text = text.encode(errors="ignore").decode()
    assert trained.decode(trained.encode(text.encode())) == text


def test_bpe_has_every_byte_and_shortens_its_own_text(trained):
    assert len(trained.token_bytes()) == 300
    assert trained.dtype is np.uint16
    assert all(len(trained.encode(bytes([byte]))) == 1 for byte in range(256))
    assert len(trained.encode(b"The cats sat on mats.")) < 12


def test_hugging_face_reads_the_cached_file_as_it_is(prose):
    from tokenizers import Tokenizer

    ours = learned(prose, 280)
    (path,) = cache.data_folder().glob("*-bpe-280.json")
    theirs = Tokenizer.from_file(str(path))
    text = "the naïve cat"
    assert theirs.encode(text).ids == ours.encode(text.encode()).tolist()
    assert theirs.decode(ours.encode(text.encode()).tolist()) == text


def test_training_twice_gives_the_same_tokenizer(prose):
    first, second = bpe._train(prose, 290), bpe._train(prose, 290)
    assert first.to_str() == second.to_str()


@pytest.mark.parametrize("keep", [0.0, 0.5])
def test_a_damaged_tokenizer_file_is_made_anew(prose, keep):
    identity = learned(prose, 280).identity
    (path,) = cache.data_folder().glob("*-bpe-280.json")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * keep)])
    assert learned(prose, 280).identity == identity
    assert path.read_bytes() == whole


def test_a_small_text_gives_fewer_tokens_than_were_asked_for(prose):
    assert 256 < len(learned(prose, 5000).token_bytes()) < 400
    assert len(learned(prose, 256).token_bytes()) == 256
    assert BPE(vocab=5000).vocab == 5000, "the model keeps room, so that it is the same everywhere"


def test_a_vocabulary_below_the_bytes_is_refused():
    with pytest.raises(ConfigError, match=r"^tokenizer\.vocab: 255 is below .*give 256 or more$"):
        BPE(vocab=255)


def test_merges_are_learned_from_every_stretch_and_no_other_text(prose):
    more = Stretch(np.frombuffer(b"zyx zyx zyx\n" * 50, np.uint8))
    both, first = learned([*prose, more], 300), learned(prose, 300)
    assert len(both.encode(b"zyx")) == 1
    assert len(first.encode(b"zyx")) == 3
    assert both.identity != first.identity


def test_ready_tokens_are_written_as_their_numbers():
    tokenizer = Ready(vocab=100)
    assert tokenizer.encode(b"7 99  0").tolist() == [7, 99, 0]
    assert tokenizer.decode([7, 99, 0]) == "7 99 0"
    for wrong in (b"7 x", b"100", b"-1", b"1.5"):
        with pytest.raises(InputError, match=r"is no token below 100; .* like '31373 995'$"):
            tokenizer.encode(wrong)


@settings(deadline=None, max_examples=100)
@given(text=st.text(alphabet="ab1, é\n\r\t", max_size=120), size=st.integers(4, 40))
def test_cutting_a_text_into_pieces_loses_nothing(text, size):
    data = np.frombuffer(text.encode(), np.uint8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bpe, "PIECE_BYTES", size)
        cut = list(bpe.pieces(data))
    assert b"".join(cut) == data.tobytes()
    assert all(piece.decode() for piece in cut)


def test_tokens_do_not_depend_on_where_a_text_was_cut(trained):
    text = ("The cat sat.\n\n  12 mats, \t naïve\r\n cats " * 30).encode()
    whole = trained.encode(text).tolist()
    for size in (60, 61, 77, 200):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(bpe, "PIECE_BYTES", size)
            cut = list(bpe.pieces(np.frombuffer(text, np.uint8)))
        assert len(cut) > 3
        assert [token for piece in cut for token in trained.encode(piece).tolist()] == whole

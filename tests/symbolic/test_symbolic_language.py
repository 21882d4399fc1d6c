"""Words, grammar, parser, printer: what one writes the other reads, and no text crashes them."""

import hashlib
import logging

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.symbolic.texts import EUCLID, problems

from partbench.core.errors import InputError
from partbench.symbolic import syntax
from partbench.symbolic.grammar import grammar
from partbench.symbolic.lexer import words
from partbench.symbolic.parser import parse
from partbench.symbolic.printer import lay_out, to_words, write
from partbench.symbolic.renderings import LEVELS, RENDERINGS, SYMBOLIC
from partbench.symbolic.vocabulary import DIGITS, FROZEN, NAMES, SPECIAL, vocabulary

HASHES = {
    "symbolic": "1df2198865696aabdfe4c04de63b43df12b5561ee0bdd0c20a5f87e6405afe51",
    "english": "2a3735a1c9fab220a5bbc9fe798151d9cdd9e7809347d06633e7ad75d10c27f1",
    "lean": "1d8ed53bf22d947221fc340bde9ad1cc77ba690cdebfd957298cff9fb0ac313f",
}
PROBLEMS = problems(36)
ALL = list(RENDERINGS)
quick = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("rendering", ALL)
def test_the_vocabulary_is_frozen_and_below_six_hundred(rendering):
    found = vocabulary(rendering).words
    assert len(found) == len(set(found)) < 600
    assert hashlib.sha256("\n".join(found).encode()).hexdigest() == HASHES[rendering]


def test_the_frozen_file_is_the_table_of_the_rendering():
    assert FROZEN.read_text().split() == [*SPECIAL, *SYMBOLIC.words, *DIGITS, *NAMES]


@pytest.mark.parametrize("rendering", ALL)
def test_the_grammar_is_lalr_and_only_digits_that_meet_are_ambiguous(rendering, caplog):
    from lark import Lark, logger
    from lark.lexer import Lexer

    class Nothing(Lexer):
        def __init__(self, lexer_conf): ...

        def lex(self, data):
            yield from ()

    logger.setLevel(logging.DEBUG)
    with caplog.at_level(logging.DEBUG, logger="lark"):
        logger.propagate = True
        Lark(grammar(RENDERINGS[rendering]), parser="lalr", lexer=Nothing, debug=True)
    conflicts = [r.getMessage() for r in caplog.records if "conflict" in r.getMessage()]
    assert all("terminal DIGIT" in message for message in conflicts), conflicts


@pytest.mark.parametrize("rendering", ALL)
def test_euclid_parses_and_prints_back(rendering):
    tree = parse(EUCLID)
    assert parse(write(tree, rendering), rendering) == tree


def test_euclid_prints_as_the_author_wrote_it_but_for_needless_brackets():
    bare = [w for w in (word.text for word in words(EUCLID)) if w not in "()"]
    assert [w for w in to_words(parse(EUCLID)) if w not in "()"] == bare


def test_the_authors_curved_arrow_is_read():
    assert parse(EUCLID.replace("=>", "⤳")) == parse(EUCLID)


@pytest.mark.parametrize("rendering", ALL)
def test_problems_survive_every_rendering(rendering):
    for problem in PROBLEMS:
        assert parse(write(problem.text, rendering), rendering) == problem.text
        found = to_words(problem.text, rendering)
        numbers = vocabulary(rendering).encode(found)
        assert vocabulary(rendering).decode(numbers) == found
        assert [w.text for w in words(lay_out(found, rendering), rendering)] == found


SOME = st.sampled_from(["a", "b", "S", "x1"])
BINARY = [op for side, ops in LEVELS for op in ops if side != "prefix"]


def formulas() -> st.SearchStrategy[syntax.Node]:
    sorts = st.sampled_from([("Nat",), ("Int",), ("Nat", "Prop"), ("Int", "Nat", "Int")])
    leaves = st.one_of(
        st.integers(0, 10**12).map(syntax.Number),
        SOME.map(syntax.Name),
    )

    def wider(inner):
        sets = st.one_of(
            SOME.map(syntax.Name),
            st.lists(inner, min_size=1, max_size=3).map(lambda i: syntax.Listed(tuple(i))),
        )
        sort = sorts.map(syntax.Sort)
        both = st.sampled_from(["forall", "exists"])
        arguments = st.lists(inner, min_size=1, max_size=3).map(tuple)
        return st.one_of(
            st.builds(syntax.Binary, st.sampled_from(BINARY), inner, inner),
            st.builds(syntax.Unary, st.sampled_from(["not", "negative"]), inner),
            st.builds(syntax.Unary, st.just("size"), sets),
            st.builds(syntax.Apply, SOME, arguments),
            st.builds(syntax.Bound, both, SOME, st.one_of(sort, inner), inner),
            st.builds(syntax.Bound, st.sampled_from(["prod", "sum"]), SOME, inner, inner),
            st.builds(syntax.Bound, st.just("set"), SOME, sort, inner),
        )

    return st.recursive(leaves, wider, max_leaves=12)


def statements() -> st.SearchStrategy[syntax.Node]:
    claim = formulas()
    simple = st.one_of(
        st.builds(syntax.Assume, SOME, claim),
        st.builds(syntax.State, SOME, claim),
        st.builds(syntax.Let, SOME, claim),
        st.builds(syntax.Find, claim),
        st.builds(syntax.Step, claim, st.none() | claim),
        st.builds(syntax.Step, claim, st.none() | claim, SOME, claim),
        st.builds(syntax.Show, claim),
        st.builds(syntax.By, st.sampled_from(["deduce", "contra", "cases", "induct"])),
        st.builds(syntax.Take, SOME, st.just(syntax.Sort(("Nat",)))),
        st.builds(syntax.Declare, SOME, st.just(syntax.Sort(("Nat", "Prop")))),
    )
    blocks = st.lists(simple, max_size=3).map(lambda s: syntax.Block(tuple(s)))
    return st.lists(st.one_of(simple, blocks), max_size=3).map(lambda s: syntax.Text(tuple(s)))


@quick
@given(statements(), st.sampled_from(ALL))
def test_parse_of_print_is_the_same_tree(tree, rendering):
    assert parse(write(tree, rendering), rendering) == tree


def complaint(text: str, rendering: str = "symbolic") -> str:
    """What the parser says of a text, empty where it parses."""
    try:
        tree = parse(text, rendering)
    except InputError as error:
        message = str(error)
        assert "\n" not in message
        assert message.startswith(("line ", "nested deeper")), message
        return message
    canonical = write(tree, rendering)
    assert write(parse(canonical, rendering), rendering) == canonical
    return ""


WORDS = {r: [*RENDERINGS[r].words, *DIGITS, "a", "b", "S", "x1"] for r in ALL}


@quick
@given(st.data(), st.sampled_from(ALL))
def test_no_words_crash_the_parser(data, rendering):
    drawn = data.draw(st.lists(st.sampled_from(WORDS[rendering]), max_size=30))
    complaint(" ".join(drawn), rendering)


@quick
@given(st.text(max_size=80))
def test_no_characters_crash_the_parser(text):
    complaint(text)


@quick
@given(st.integers(0, len(EUCLID)), st.integers(0, 12), st.text(max_size=6))
def test_no_edit_of_a_real_text_crashes_the_parser(place, length, new):
    complaint(EUCLID[:place] + new + EUCLID[place + length :])


@pytest.mark.parametrize(
    "text",
    [
        "show " + "( " * 5000 + "a",
        "show " + "~ " * 300 + "a.",
        "show a" + " + a" * 2000 + ".",
        "show a" + " -> a" * 200 + ".",
        "{ " * 500,
        "find " + "9" * 5000 + ".",
        "{ " * 100 + "show a. " + "} qed. " * 100,
    ],
)
def test_what_is_too_deep_or_too_long_is_said_in_one_line(text):
    assert complaint(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("asume h : a.", "line 1, column 1: no word 'asume'; did you mean 'assume'?"),
        ("hyp p : Porp.", "line 1, column 9: no word 'Porp'; did you mean 'Prop'?"),
        ("hyp 3 : Nat.", "line 1, column 5: '3' cannot stand here; here may stand a name"),
        ("show a.\nby a.", "line 2, column 4: 'a' cannot stand here; here may stand cases, "),
        ("show a", "line 1, column 7: the end of the text cannot stand here; "),
        ("show a & b.", "line 1, column 8: no word begins with '&'; "),
    ],
)
def test_errors_say_where_and_the_nearest_right_choice(text, said):
    assert complaint(text).startswith(said)

"""Problems: reproducible, split by skeleton, never a training problem renamed."""

import numpy as np
import pytest
from tests.symbolic.texts import problems

from partbench.core import rng
from partbench.core.errors import ConfigError
from partbench.symbolic import syntax
from partbench.symbolic.baselines import Copier, restated
from partbench.symbolic.draw import check_choice, problem
from partbench.symbolic.normal import skeleton
from partbench.symbolic.parser import parse
from partbench.symbolic.printer import to_words, write
from partbench.symbolic.problems import FAMILIES
from partbench.symbolic.problems.column import columns
from partbench.symbolic.solve import solves
from partbench.symbolic.vocabulary import NAMES

CHOICE = {"families": tuple(FAMILIES), "difficulty": 3, "folds": 6}
PROBLEMS = problems(60)


def renamed(problem, random):
    """The same problem with other names and its facts in another order."""
    new = dict(zip(NAMES, random.permutation(NAMES), strict=True))
    words = [new.get(word, word) for word in to_words(syntax.Text(problem.given))]
    statements = parse(" ".join(words)).statements
    return [statements[i] for i in random.permutation(len(statements))]


def test_a_renamed_and_reordered_problem_has_the_same_skeleton():
    random = np.random.default_rng(0)
    for found in PROBLEMS:
        assert skeleton(renamed(found, random)) == skeleton(found.given), write(found.text)


def test_other_numbers_have_the_same_skeleton_but_for_carries():
    text = "hyp a : Int. hyp b : Int. assume h : a = 3. assume h1 : b = a + 4. find b."
    one = skeleton(parse(text).statements)
    assert one == skeleton(parse(text.replace("4", "17")).statements)
    assert one != skeleton(parse(text.replace("+ 4", "- 4")).statements)
    sums = [skeleton(parse(f"find {s}.").statements) for s in ("17 + 15", "38 + 27", "17 + 12")]
    assert sums[0] == sums[1] != sums[2]


def test_different_problems_mostly_differ():
    made = [p for p in PROBLEMS if p.family == "deduction"]
    assert len({skeleton(p.given) for p in made}) > 0.8 * len(made)


def test_no_test_problem_has_a_skeleton_of_the_training_set():
    held = {skeleton(problem(3, i, held=2, test=True, **CHOICE).given) for i in range(12)}
    known = {skeleton(problem(3, i, held=2, test=False, **CHOICE).given) for i in range(80)}
    assert held
    assert not held & known


def test_a_problem_depends_on_its_numbers_alone():
    again = [problem(5, 9, held=1, test=True, **CHOICE) for _ in range(2)]
    assert again[0].text == again[1].text
    assert again[0].text != problem(6, 9, held=1, test=True, **CHOICE).text


def test_names_and_families_that_do_not_exist_are_said_in_one_line():
    with pytest.raises(ConfigError, match=r"no family called 'linnear'; did you mean 'linear'\?"):
        check_choice(("linnear",), 2, "task.families")
    with pytest.raises(ConfigError, match="difficulty 9; from 1 to 6"):
        check_choice(("linear",), 9, "task.families")


def test_columns_carry_and_borrow():
    def lines(kind, a, b):
        steps, result = columns(kind, a, b)
        return [write(step) for step, _ in steps], result

    assert lines("plus", 487, 56) == (["7 + 6 = 13", "8 + 5 + 1 = 14", "4 + 0 + 1 = 5"], 543)
    assert lines("minus", 503, 7) == (["13 - 7 = 6", "10 - 0 - 1 = 9", "5 - 0 - 1 = 4"], 496)
    assert lines("times", 86, 7) == (["6 * 7 = 42", "8 * 7 + 4 = 60"], 602)


def test_what_solves_is_one_valid_block_that_reaches_the_goal():
    found = FAMILIES["linear"](rng.stream(0, "solve"), 2)
    proof = to_words(found.proof)
    assert solves(found.given, proof)
    assert not solves(found.given, proof[:-2])
    assert not solves(found.given, proof + proof)
    assert not solves(found.given, [*"assume c : 1 = 1 .".split(), *proof])
    assert not solves(found.given, ["{", "}", "qed", "."])
    other = next(word for word in reversed(proof) if word.isdigit())
    wrong = ["5" if word == other else word for word in proof]
    assert wrong == proof or not solves(found.given, wrong)


def test_a_copier_solves_what_it_has_seen_and_restating_does_not_solve_chains():
    made = [p for p in PROBLEMS if p.family == "deduction"]
    copier = Copier(made)
    for found in made[:3]:
        assert copier.proof(found.given) == to_words(found.proof)
        assert restated(found.given)[:2] == ["{", "show"]

"""Problems with proofs, by family and difficulty; each is valid by construction.

A family is a function (random, difficulty 1..) -> Problem; a higher difficulty means more steps.
"""

from partbench.symbolic.problems.column import column
from partbench.symbolic.problems.deduction import deduction
from partbench.symbolic.problems.induction import induction
from partbench.symbolic.problems.linear import linear
from partbench.symbolic.problems.modular import modular
from partbench.symbolic.problems.sets import sets

FAMILIES = {
    "deduction": deduction,
    "linear": linear,
    "modular": modular,
    "sets": sets,
    "induction": induction,
    "column": column,
}

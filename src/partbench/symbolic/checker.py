"""The checker: is each step of a text valid, invalid or unproved?

    valid      its obligation was refuted in the negative under the valid facts in scope
    invalid    it has a counter-example, or says nothing
    unproved   all else, also whatever rests on a step that is not valid

Only valid claims become facts, so *valid* never hangs on a step that is not. A block shows

    deduce, cases, induct   its assumptions imply its last `show`, for every name it took
    contra                  not all of its assumptions hold, for its last `show` is impossible

and a proof has reached its goal when what its last block shows is the goal (the last `hyp q : ...`
or `find`). Source: Gentzen 1935 (natural deduction); the methods are the author's.
"""

from typing import Any

import z3

from partbench.symbolic import syntax
from partbench.symbolic.meaning import Meaning, Meaningless, Value
from partbench.symbolic.parser import parse
from partbench.symbolic.printer import write
from partbench.symbolic.refute import (
    INVALID,
    UNPROVED,
    VALID,
    WORST,
    Answer,
    follows,
    leaves_unknown,
    mentions,
)
from partbench.symbolic.report import Report, Verdict
from partbench.symbolic.rules import answers, justifies
from partbench.symbolic.scope import Scope, Shown
from partbench.symbolic.syntax import Node


def check(text: str | syntax.Text, *, near: bool = False) -> Report:
    """Judge every step, show and block of `text`.

    near: each step may only rest on facts that share a name with it, and on facts about none but
    the names of those, so that no proof is left to z3 in one step. InputError (one line) where a
    string cannot be parsed.
    """
    tree = parse(text) if isinstance(text, str) else text
    return _Checker(near).text(tree)


class _Checker:
    def __init__(self, near: bool) -> None:
        self.near = near
        self.meaning = Meaning()
        self.verdicts: list[Verdict] = []
        self.goal: Node | None = None

    def text(self, tree: syntax.Text) -> Report:
        scope = Scope()
        self._all(tree.statements, scope, "")
        if self.goal is None:
            return Report(tuple(self.verdicts), Answer(VALID, "there is no goal"))
        return Report(tuple(self.verdicts), self._reached(scope))

    def _all(self, statements: tuple[Node, ...], scope: Scope, place: str) -> None:
        for number, statement in enumerate(statements):
            here = f"{place}{number + 1}"
            after = statements[number + 1] if number + 1 < len(statements) else None
            before = statements[number - 1] if number else None
            self.meaning.exact = True
            try:
                answer = self._one(statement, scope, here, before, after)
            except Meaningless as error:
                answer = Answer(INVALID, str(error))
            if answer is not None:
                self.verdicts.append(Verdict(here, _head(statement), *answer))

    def _one(
        self, statement: Node, scope: Scope, place: str, before: Node | None, after: Node | None
    ) -> Answer | None:
        """Judge one statement; None for those that only introduce something."""
        match statement:
            case syntax.Declare(name=name, sort=sort) | syntax.Take(name=name, sort=sort):
                scope.free(name)
                value, known = self.meaning.declare(name, sort)
                scope.names[name] = value
                scope.background += known
                if isinstance(statement, syntax.Take):
                    if value.kind not in ("number", "statement"):
                        raise Meaningless(f"one can take any number or statement, no {value.kind}")
                    scope.taken.append((value.of, known))
            case syntax.State(name=name, claim=claim):
                scope.free(name)
                scope.names[name] = self._statement(claim, scope)
                if scope.outer is None:
                    self.goal = statement
            case syntax.Find(term=term):
                if scope.outer is not None:
                    raise Meaningless("a block cannot ask; `find` stands before the proof")
                self.meaning.number(term, scope.names)
                self.goal = statement
            case syntax.Assume(name=name, claim=claim):
                scope.free(name)
                value = self._statement(claim, scope)
                scope.names[name] = value
                scope.assumed.append((claim, value.of))
                scope.add(value.of, self.meaning.exact)
            case syntax.Let(name=name, value=term):
                scope.free(name)
                scope.names[name] = self.meaning.define(term, scope.names)
            case syntax.Block(statements=statements):
                return self._block(statements, scope, place)
            case syntax.Step():
                return self._step(statement, scope)
            case syntax.Show(claim=claim):
                method = after.method if isinstance(after, syntax.By) else "deduce"
                return self._show(claim, method, scope)
            case syntax.By(method=method):
                return justifies(method, before)
            case _:
                raise TypeError(f"{type(statement).__name__} is no statement")
        return None

    def _statement(self, claim: Node, scope: Scope) -> Value:
        value = self.meaning.define(claim, scope.names)
        if value.kind != "statement":
            raise Meaningless(f"`{write(claim)}` is a {value.kind}, where a statement is wanted")
        return value

    def _follows(self, claim: Any, scope: Scope, more: tuple[Any, ...] = ()) -> Answer:
        return follows(
            claim,
            [*scope.facts, *more],
            scope.background,
            near=self.near,
            doubts=[doubt for doubt, _ in scope.doubts],
            exact=self.meaning.exact and scope.exact,
        )

    def _claim(self, claim: Node, formula: Any, answer: Answer, scope: Scope) -> None:
        """Keep a judged claim: as a fact where it is valid, else as a doubt; with its witness."""
        exact = self.meaning.exact
        if answer.status == VALID:
            scope.add(formula, exact)
        else:
            scope.doubts.append((formula, exact))
        inner = claim
        if isinstance(inner, syntax.Bound) and inner.kind == "exists":
            self._witness(inner, answer, scope)

    def _witness(self, claim: syntax.Bound, answer: Answer, scope: Scope) -> None:
        """After `exists t : Nat , body` is claimed, t is one such number."""
        if claim.name in scope.names:
            return
        value, _ = self.meaning.declare(claim.name, syntax.Sort(("Int",)))
        within, _ = self.meaning.range(claim.domain, scope.names)
        scope.names[claim.name] = value
        scope.witnesses.append(value.of)
        body = self.meaning.statement(claim.body, scope.names)
        fact = z3.And(within(value.of), body)
        if answer.status == VALID:
            scope.add(fact, self.meaning.exact)
        else:
            scope.doubts.append((fact, self.meaning.exact))

    def _step(self, step: syntax.Step, scope: Scope) -> Answer:
        claim, reason = step.claim, step.reason

        def ranged(body: Node) -> Node:
            if step.name is None or step.domain is None:
                return body
            return syntax.Bound("forall", step.name, step.domain, body)

        whole = ranged(claim)
        formula = self.meaning.statement(whole, scope.names)
        if reason is None:
            answer = self._follows(formula, scope)
            self._claim(whole, formula, answer, scope)
            return answer
        premise = self.meaning.statement(ranged(reason), scope.names)
        first = self._follows(premise, scope)
        both = self.meaning.statement(ranged(syntax.Binary("implies", reason, claim)), scope.names)
        second = self._follows(both, scope)
        answer = max(first, second, key=lambda found: WORST.index(found.status))
        if answer.status != VALID:
            part = "the reason: " if answer is first else "what it is a reason for: "
            answer = Answer(answer.status, part + answer.reason)
        else:
            scope.add(premise, self.meaning.exact)
        self._claim(whole, formula, answer, scope)
        return answer

    def _show(self, claim: Node, method: str, scope: Scope) -> Answer:
        formula = self.meaning.statement(claim, scope.names)
        if method == "induct":
            answer = self._induction(claim, scope)
        elif method == "cases":
            answer = self._cases(claim, formula, scope)
        else:
            answer = self._follows(formula, scope)
        if method == "contra" and answer.status == VALID:
            if not scope.assumed or scope.outer is None:
                answer = Answer(INVALID, "nothing is assumed in this block that it could refute")
            elif follows(z3.Not(formula), [], []).status != VALID:
                answer = Answer(INVALID, "what is shown is not impossible in itself")
        scope.shown = Shown(claim, formula, answer, method == "contra")
        self._claim(claim, formula, answer, scope)
        return answer

    def _induction(self, claim: Node, scope: Scope) -> Answer:
        """P 0, and P n implies P (n + 1) for any n; so P for every natural number."""
        if not (
            isinstance(claim, syntax.Bound)
            and claim.kind == "forall"
            and claim.domain == syntax.Sort(("Nat",))
        ):
            return Answer(INVALID, "by induct shows `forall n : Nat , ...`")
        number, known = self.meaning.declare(claim.name, syntax.Sort(("Nat",)))
        number = Value(number.kind, number.of, bound=True)
        names = scope.names | {claim.name: number}
        at_n = self.meaning.statement(claim.body, names)
        at = {k: z3.substitute(at_n, (number.of, k)) for k in (z3.IntVal(0), number.of + 1)}
        base, step = at.values()
        first = self._follows(base, scope)
        second = self._follows(step, scope, (*known, at_n))
        answer = max(first, second, key=lambda found: WORST.index(found.status))
        if answer.status == VALID:
            return answer
        where = "at 0" if answer is first else "from n to n + 1"
        # A step that fails refutes the induction, not the claim.
        status = INVALID if answer is first and answer.status == INVALID else UNPROVED
        return Answer(status, f"{where}: {answer.reason}")

    def _cases(self, claim: Node, formula: Any, scope: Scope) -> Answer:
        """One of the cases holds, and the blocks above show the claim in each of them."""
        cases = [case for case, shown, _ in scope.cases if shown == claim]
        if len(cases) < 2:
            return Answer(INVALID, "by cases needs two blocks above it, each showing the same")
        one = z3.Or(cases)
        results = [result for _, shown, result in scope.cases if shown == claim]
        # What is shown may have meant something else inside the blocks: it is asked for here too.
        whole = follows(formula, [one, *results], scope.background)
        return whole if whole.status != VALID else self._follows(one, scope)

    def _block(self, statements: tuple[Node, ...], outer: Scope, place: str) -> Answer:
        scope = outer.inside()
        self._all(statements, scope, f"{place}.")
        shown = scope.shown
        last = next((s for s in reversed(statements) if not isinstance(s, syntax.By)), None)
        if shown is None or not isinstance(last, syntax.Show):
            return Answer(INVALID, "the block does not end with what it shows")
        if shown.answer.status != VALID:
            return Answer(UNPROVED, "what the block shows is not proved")
        result = scope.result(shown)
        if mentions(result.formula, scope.witnesses):
            return Answer(INVALID, "what the block shows names something known only inside it")
        if scope.taken and leaves_unknown(result.formula):
            # It could hang on a witness that is another one for each name taken.
            return Answer(UNPROVED, "for every name, nothing can be said of prod, sum or size")
        outer.add(result.formula, scope.exact)
        if len(scope.assumed) == 1 and not scope.taken and not shown.refutes:
            outer.cases.append((scope.assumed[0][1], shown.claim, result.formula))
        outer.shown = result
        return Answer(VALID)

    def _reached(self, scope: Scope) -> Answer:
        shown = scope.shown
        if shown is None or shown.answer.status != VALID:
            return Answer(UNPROVED, "nothing is shown that could be the goal")
        self.meaning.exact = True
        if isinstance(self.goal, syntax.Find):
            if answers(shown.claim, self.goal.term):
                answer = self.meaning.statement(shown.claim, scope.names)
                return follows(answer, [shown.formula], [])
            return Answer(UNPROVED, f"the last block does not show `{write(self.goal.term)} = ...`")
        assert isinstance(self.goal, syntax.State)
        goal = scope.names[self.goal.name].of
        if follows(goal, [shown.formula], []).status == VALID:
            return Answer(VALID)
        return Answer(UNPROVED, f"the last block does not show `{self.goal.name}`")


def _head(statement: Node) -> str:
    """A statement without what is inside of it."""
    return "{ ... } qed." if isinstance(statement, syntax.Block) else write(statement)

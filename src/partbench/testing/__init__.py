"""The conformance suite: what every part promises, for the parts here and for one of your own.

    from partbench.testing import check_part

    def test_my_residual():
        check_part("residual", "my_file.py:MyResidual", streams=2)

or one test a promise: parametrise over `checks(slot, name)` and call each with a `Subject`. Every
check is a sentence; the AssertionError says where it is false. Seconds on one core.
"""

from collections.abc import Callable
from typing import Any

from torch import nn

from partbench.core.factory import load
from partbench.core.menu import find
from partbench.testing import alone, card, causal, learning, numbers
from partbench.testing.subject import BUILT, Subject, variants

Check = Callable[[Subject], None]

__all__ = ["Check", "Subject", "check_part", "checks", "variants"]


def checks(slot: str, name: str) -> list[Check]:
    """The promises of one part, those about what it can do at all."""
    found = [*card.ALWAYS, *(card.COSTED if slot in (*BUILT, "optimizer") else [])]
    if slot in BUILT:
        kind = load(find(*(("model", name) if slot == "model" else ("model", "transformer"))))
        found += numbers.ALWAYS + causal.ALWAYS + learning.ALWAYS
        if kind.forward is not nn.Module.forward:
            found += numbers.WITH_LOGITS + causal.WITH_LOGITS
        if hasattr(kind, "step"):
            found += causal.WITH_STEP
        if "train" in kind.PHASES:
            found += numbers.WITH_GRADIENTS + causal.WITH_GRADIENTS + learning.WITH_GRADIENTS
    return found + alone.BY_SLOT.get(slot, [])


def check_part(
    slot: str, name: str, beside: dict[str, Any] | None = None, /, **settings: Any
) -> None:
    """Hold one part, shipped or `file.py:Class`, to all its promises.

    beside: the parts it stands beside, as in a configuration, e.g. {"mixer": "mine.py:Mixer"}.

    Raises AssertionError (one line a broken promise) or ConfigError (no such part or setting).
    """
    subject = Subject(slot, name, settings, beside or {})
    subject.config.resolved  # noqa: B018 - names and settings first, with their own errors
    broken = []
    for check in checks(slot, name):
        try:
            check(subject)
        except Exception as error:
            why = (str(error) or type(error).__name__).splitlines()[0]
            broken.append(f"{check.__name__}: {why}")
    if broken:
        raise AssertionError(f"{subject} breaks {len(broken)} promises:\n" + "\n".join(broken))

"""The audit: what is wrong with a part, found in seconds and without a training run.

    from partbench.testing.audit import audit

    for row in audit(Subject("residual", "my_file.py:MyResidual")):
        print(row.check, row.verdict, row.found)

Where the conformance suite (`partbench.testing`) holds a part to promises, the audit measures: each
check gives a number, a limit, a verdict and a line of advice, and none stops at the first failure.
One check a file; both read the same measurements where they ask the same.
"""

from partbench.core.errors import ConfigError
from partbench.testing.audit.collapse import averaging, stream_collapse
from partbench.testing.audit.convention import map_convention, stream_convention
from partbench.testing.audit.decoding import cached_decoding
from partbench.testing.audit.divisor import near_zero_divisor
from partbench.testing.audit.evaluation import evaluation
from partbench.testing.audit.finding import Check, Finding
from partbench.testing.audit.future import future_gradient, future_leak
from partbench.testing.audit.gradients import dead_gradient, dead_gradient_quickly
from partbench.testing.audit.growth import growth
from partbench.testing.audit.idle import idle_parameter, role
from partbench.testing.audit.repeated import determinism
from partbench.testing.audit.rounding import rounding_error
from partbench.testing.audit.rows import batch_leak
from partbench.testing.audit.start import start
from partbench.testing.subject import Subject

__all__ = ["FAST", "WHOLE", "Finding", "audit"]

WHOLE: tuple[Check, ...] = (
    role,
    dead_gradient,
    idle_parameter,
    future_leak,
    future_gradient,
    batch_leak,
    evaluation,
    determinism,
    cached_decoding,
    start,
    averaging,
    stream_collapse,
    stream_convention,
    map_convention,
    near_zero_divisor,
    growth,
    rounding_error,
)
FAST: tuple[Check, ...] = (role, dead_gradient_quickly, future_leak, batch_leak, evaluation)
"""Before a study: what makes any verdict worthless, in a second."""


def audit(subject: Subject, checks: tuple[Check, ...] = WHOLE) -> list[Finding]:
    """Every finding about a part, in order; checks that have nothing to look at are left out.

    A check that cannot be run is a failure with the part's own error. Raises ConfigError for a part
    or a setting that does not exist.
    """
    subject.config.resolved  # noqa: B018 - names and settings first, with their own errors
    found: list[Finding] = []
    for check in checks:
        try:
            row = check(subject)
        except ConfigError:
            raise
        except Exception as error:
            name = check.__name__.replace("_", " ")
            why = f"{type(error).__name__}: {(str(error) or 'no message').splitlines()[0]}"
            row = Finding(name, why, None, None, "fail", "the part could not be run for this check")
        if row is not None:
            found.append(row)
        if row is not None and check is role and row.verdict == "fail":
            break  # without its roles no model can be built
    return found

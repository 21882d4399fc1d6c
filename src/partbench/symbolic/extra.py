"""The extra that parsing and checking need; making and writing problems needs nothing of it."""

from importlib.util import find_spec

from partbench.core.errors import InputError


def needs_extra(place: str) -> None:
    """InputError (one line) where lark or z3 is not installed."""
    missing = [name for name in ("lark", "z3") if find_spec(name) is None]
    if missing:
        raise InputError(
            f"{place}: {' and '.join(missing)} not installed; pip install 'partbench[symbolic]'"
        )

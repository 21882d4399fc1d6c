"""partbench: a test bench for the parts of language models."""

from typing import Any

__version__ = "0.1.0"
__all__ = ["Config", "Study", "__version__"]


def __getattr__(name: str) -> Any:
    """`Study` and `Config` on demand: the command line starts without them."""
    if name in ("Config", "Study"):
        from partbench import api

        return getattr(api, name)
    raise AttributeError(f"module 'partbench' has no attribute '{name}'")

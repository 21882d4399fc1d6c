"""partbench: a test bench for the parts of language models."""

__version__ = "0.1.0"

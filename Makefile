# Everything sets itself up: a machine with Python 3.11 or newer and make needs nothing else.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Hundreds of processes start in the tests: what was compiled once is kept, whatever the shell says.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test slow long check golden docs bench clean
.DEFAULT_GOAL := test

# torch first, by itself: its plain Linux wheel carries gigabytes of CUDA, the pinned one need not.
$(READY): constraints.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=23" || true
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $(READY)

demo: $(READY)  ## one comparison from start to page, within four minutes
	$(BIN)/partbench compare --swap position=none

test: $(READY)  ## the fast suite, under a minute
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow and not gpu" -n 2 --dist worksteal

slow: $(READY)  ## processes, kills, whole studies: about ten minutes
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "slow and not long and not gpu" -n 2 --dist worksteal

long: $(READY)  ## what takes longer still: twenty kills of one study, every page's code
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "long and not gpu" -n 2 --dist worksteal

check: $(READY)  ## what a commit must pass
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) test

golden: $(READY)  ## rewrite the golden losses; needs a CHANGELOG line "changes results"
	$(BIN)/python -m tests.golden.rewrite

docs: $(READY)  ## the documentation as a site in site/
	$(BIN)/zensical build --strict

bench: $(READY)  ## speed beside the peers; nothing else may compute meanwhile
	$(BIN)/python benchmarks/train_step.py

clean:
	rm -rf $(VENV) site runs

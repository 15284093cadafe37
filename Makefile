# `make demo` and `make test` do all set-up on a machine that has only Python 3.11 and make.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

# Two test processes on two cores are faster than one with two threads, and more threads than cores are slower.
WORKERS ?= 2
PYTEST  := $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal
test test-all slow: export OMP_NUM_THREADS ?= 1

.PHONY: help install demo test test-all lint docs slow clean

help:
	@echo "make demo      train on the digital hip phantom and show what was learnt (runs/demo)"
	@echo "make test      quick tests, under 10 minutes"
	@echo "make test-all  linters, documentation, slow and service tests, under 45 minutes"

install: $(STAMP)

# The stamp is written last: an interrupted installation starts again.
$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 14) else f"cyclevox needs Python 3.11 to 3.13, $(PYTHON) is {sys.version}: call make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $@

demo: $(STAMP)
	$(BIN)/python -m pipelines.studies.demo runs/demo

test: $(STAMP)
	$(PYTEST) -m "not slow and not service"

test-all: lint docs slow

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/lint-imports

docs: $(STAMP)
	$(BIN)/sphinx-build -W --keep-going -E -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

slow: $(STAMP)
	$(PYTEST) -m "slow or service"

clean:
	rm -rf $(VENV) docs/_build build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

# Two commands on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV   ?= .venv
BIN     = $(VENV)/bin
READY   = $(VENV)/.ready

.PHONY: demo test lint check fix bench stress docs pictures sweep stateful fuzz clean
.DEFAULT_GOAL := check

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

demo: $(READY)
	$(BIN)/arcgit demo

# Shares in one piece have what their tests have in common, servers and archives, made once.
test: $(READY)
	$(BIN)/python -m pytest -n auto --dist worksteal

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test

# Longer runs of what `make test` does a little of.
sweep: $(READY)
	SWEEP=every-bit $(BIN)/python -m pytest -n auto tests/attacks/test_sweep.py

STATEFUL_EXAMPLES ?= 100
stateful: $(READY)
	STATEFUL_EXAMPLES=$(STATEFUL_EXAMPLES) $(BIN)/python -m pytest tests/attacks/test_stateful.py

FUZZ_SECONDS ?= 60
fuzz: $(READY)
	$(BIN)/python -m pip install --quiet --editable '.[fuzz]'
	$(BIN)/python -m tests.fuzz --seconds $(FUZZ_SECONDS)

fix: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(READY)
	$(BIN)/arcgit explain --markdown > docs/findings.md
	$(BIN)/python -m tests.schemas

pictures: $(READY)
	$(BIN)/python -m tests.pictures

stress: $(READY)
	$(BIN)/python -m bench.stress

bench: $(READY)
	$(BIN)/python -m bench

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .fuzz build dist

# Everything sets itself up: a virtual environment in .venv with the versions of constraints.txt.
#
#   make demo    import the bundled synthetic fixture and trace a customer deposit
#   make test    run the tests
#   make lint    formatting, lint, types, layers
#   make bench   time the compiled rules on a small ledger; full size: make bench BENCH="--transfers 20000000 --runs 5"
#                (docs/performance.md says what else there is to measure)

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
DEMO := .demo

.PHONY: demo test lint bench clean
.DELETE_ON_ERROR:

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' \
	  || { echo "Python 3.11, 3.12 or 3.13 is needed: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv .venv

# Stamps make a repeated call instant; a change of the pins or of the packaging sets up again.
.venv/.base: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable .
	@touch $@

.venv/.dev: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable '.[dev]'
	@touch $@ .venv/.base

# The commands are those of the fixture's own README, run in a copy of it.
$(DEMO)/.loaded: .venv/.base fixtures/small/README.txt $(shell find exposure -name '*.py' 2>/dev/null)
	@rm -rf $(DEMO) && cp -r fixtures/small $(DEMO)
	@set -e; cd $(DEMO); exposure() { echo "$$ exposure $$*"; "$(CURDIR)/$(BIN)/exposure" "$$@"; echo; }; \
	  eval "$$(sed -nE 's/^ +(exposure (import|tags) .*)/\1/p' README.txt)"
	@touch $@

demo: $(DEMO)/.loaded
	@set -e; cd $(DEMO); exposure() { echo "$$ exposure $$*"; "$(CURDIR)/$(BIN)/exposure" "$$@"; }; \
	  eval "$$(sed -nE 's/^ +(exposure trace .*)/\1/p' README.txt | head -n 1)"
	@echo; echo "More: cd $(DEMO); ../$(BIN)/exposure trace --help. The data are synthetic: $(DEMO)/README.txt says how they were made."

test: .venv/.dev
	$(BIN)/python -m pytest -n 2

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/.dev
	$(BIN)/python -m benchmarks.kernels $(BENCH)

clean:
	rm -rf $(DEMO) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

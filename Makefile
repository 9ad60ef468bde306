# make demo        the first machine, on data that come with it (under a minute once installed)
# make test        everything that a change must pass; what CI runs
# make test-quick  lint, and the quick tests of the core: under a minute
# make test-all    all tests with coverage, site, notebooks, and the wheel in an environment of its own
# make clean       remove what these made
#
# All work in an environment of their own, .venv, which is filled once and again only when
# pyproject.toml or constraints.txt changes. Another Python: make demo PYTHON=/path/to/python3.12

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test test-quick test-all clean
.DEFAULT_GOAL := demo

demo: $(VENV)/installed
	$(BIN)/pnnsim run photonic_mrr --out runs/demo --force

test: $(VENV)/installed-dev
	scripts/check

test-quick: $(VENV)/installed-dev
	scripts/check --quick

test-all: $(VENV)/installed-all
	PYTHON='$(PYTHON)' scripts/check --all

clean:
	rm -rf $(VENV) build dist *.egg-info
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .benchmarks .import_linter_cache .mutate
	find . -type d -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/installed: pyproject.toml constraints.txt
	@PYTHON='$(PYTHON)' scripts/install $(VENV)
	@touch $@

$(VENV)/installed-dev: pyproject.toml constraints.txt
	@PYTHON='$(PYTHON)' scripts/install $(VENV) dev
	@touch $(VENV)/installed $@

$(VENV)/installed-all: pyproject.toml constraints.txt
	@PYTHON='$(PYTHON)' scripts/install $(VENV) dev,docs,notebooks
	@touch $(VENV)/installed $(VENV)/installed-dev $@

# Everything a newcomer runs. Each target installs what it needs, once, and may be run again.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
STAMPS := $(VENV)/.stamps
# Where torch comes from (make install-ml); empty is the default index, with its CUDA build.
TORCH_INDEX ?=

.PHONY: demo test check bench install-ml clean

demo: $(STAMPS)/run
	@$(BIN)/paidan demo

test: $(STAMPS)/dev
	@$(BIN)/python -m pytest

check: $(STAMPS)/dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(STAMPS)/dev
	@$(BIN)/python -m bench.pipeline

install-ml: $(STAMPS)/run
	@echo "installing the ML extra with torch (about 1.5 GB with the CPU build, several with CUDA) ..."
	@$(PIP) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) --constraint constraints.txt torch
	@$(PIP) --constraint constraints.txt --editable '.[ml]'

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Paidan needs Python 3.11 or newer; name one: make PYTHON=python3.11 ..." if sys.version_info < (3, 11) else 0)'
	@echo "making a virtual environment in $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)

$(STAMPS)/run: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "installing Paidan with its linear model and embedded Redis (about 400 MB, once) ..."
	@$(PIP) --constraint constraints.txt --editable '.[linear,embedded]'
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "installing Paidan with what its tests need (about 600 MB, once) ..."
	@$(PIP) --constraint constraints.txt --editable '.[dev]'
	@mkdir -p $(STAMPS) && touch $@ $(STAMPS)/run

clean:
	rm -rf $(VENV) var .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

# Everything a newcomer runs. Each target installs what it needs, once, and may be run again.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
STAMPS := $(VENV)/.stamps
# Where torch comes from; empty is the default index, with its CUDA build.
TORCH_INDEX ?=
TORCH = $(if $(TORCH_INDEX),$(PIP) --index-url $(TORCH_INDEX) --constraint constraints.txt torch,true)

.PHONY: demo test test-gpu check bench measure chaos chaos-training outage clean

demo: $(STAMPS)/run
	@$(BIN)/paidan demo

# Two processes more than there are cores, as half of them begin with tests that mostly wait. No more
# than memory is sure to hold: all have torch in them.
test: $(STAMPS)/dev
	@$(BIN)/python -m pytest --numprocesses $$($(BIN)/python -c 'import os; print(os.cpu_count() + 2)') \
		--maxprocesses 4 --dist worksteal

# On a machine with CUDA and the ml extra; elsewhere its tests show as skipped.
test-gpu: $(if $(GPU_PYTHON),,$(STAMPS)/dev)
	@$(or $(GPU_PYTHON),$(BIN)/python) -m pytest -m gpu -rs -W ignore --show-capture=no --tb=short tests/training/adapter/test_joint_cuda.py tests/training/adapter/fast tests/classifier/model/test_nf4_kernel.py tests/classifier/model/test_cuda.py

check: $(STAMPS)/dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(STAMPS)/dev
	@$(BIN)/python -m bench.pipeline

# The house in figures: sizes of files, functions and classes, arrows between folders.
measure: $(STAMPS)/dev
	@$(BIN)/python -m bench.measure

# SEED=7, or SEEDS="1 2 3"; DATABASE=sqlite, postgresql or both; SECONDS of faults a run.
chaos: $(STAMPS)/dev
	@$(BIN)/python -m tests.whole.chaos $(addprefix --seed ,$(or $(SEEDS),$(SEED),1)) \
		--database $(or $(DATABASE),both) --seconds $(or $(SECONDS),180)

# SEED=7, or SEEDS="1 2 3"; DATABASE=sqlite, postgresql or both; KILLS of each a siege.
chaos-training: $(STAMPS)/dev
	@$(BIN)/python -m tests.whole.chaos_training $(addprefix --seed ,$(or $(SEEDS),$(SEED),1)) \
		--database $(or $(DATABASE),both) --kills $(or $(KILLS),5)

# DATABASE=sqlite or postgresql; MODEL=linear or llm; REDIS=tcp or unix; MORE=--without-mend.
outage: $(STAMPS)/dev
	@$(BIN)/python -m tests.whole.outage --database $(or $(DATABASE),sqlite) \
		--model $(or $(MODEL),linear) --redis $(or $(REDIS),tcp) $(MORE)

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Paidan needs Python 3.11 or newer; name one: make PYTHON=python3.11 ..." if sys.version_info < (3, 11) else 0)'
	@echo "making a virtual environment in $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)

$(STAMPS)/run: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "installing Paidan with torch and an embedded Redis (2 GB with torch's CPU build, once) ..."
	@$(TORCH)
	@$(PIP) --constraint constraints.txt --editable '.[ml,embedded]'
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "installing Paidan with torch and what its tests need (2 GB with the CPU build, once) ..."
	@$(TORCH)
	@$(PIP) --constraint constraints.txt --editable '.[dev]'
	@mkdir -p $(STAMPS) && touch $@ $(STAMPS)/run

clean:
	rm -rf $(VENV) var .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

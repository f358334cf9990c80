# Needs Python 3.11 or newer, make, git and a package registry. Everything lands in this folder.
PYTHON ?= python3
MODEL ?= flights
HOST ?= 127.0.0.1
PORT ?= 3000

BIN := .venv/bin
READY := .venv/.ready

# Ours, whatever a person has set for another project. What else third parties must know says tools/startup.py.
export DAGSTER_HOME := $(CURDIR)

.PHONY: help run ui test check drills clean setup

help:
	@echo "make run      release a model to staging and say every gate's verdict (MODEL=$(MODEL))"
	@echo "make ui       open the asset graph, checks and sensors at http://$(HOST):$(PORT)"
	@echo "make test     run the tests, on as many workers as there are processors"
	@echo "make check    format, lint, types, layers, tests with coverage: what a commit needs"
	@echo "make drills   hurt it in full: crashes, races, full disks"
	@echo "make clean    remove what was installed or cached; releases, audit and runs stay"

run: $(READY)
	@$(BIN)/ml-platform run $(MODEL)

ui: $(READY)
	@$(BIN)/dagster dev --host $(HOST) --port $(PORT)

test: $(READY)
	@tools/test

check: $(READY)
	@tools/check

drills: $(READY)
	@$(BIN)/pytest -m drill --drills=full

clean:
	@rm -rf .venv .cache .coverage .coverage.* .hypothesis .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "Kept: .ml_platform/ and .dagster/ (releases, audit, runs). Remove them by hand if you mean it."

setup: $(READY)

$(READY): pyproject.toml uv.lock tools/setup tools/startup.py $(wildcard dagster.yaml)
	@echo "Setting up .venv from uv.lock; this takes some minutes, once."
	@PYTHON="$(PYTHON)" tools/setup
	@touch $@

# `make demo` and `make test` set up all they need: a virtual environment from the lock, with hashes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready

.PHONY: bench demo test suite lint style types docs lock clean

# Three of its rows name somebody who has left, so its exit code is 1: some items failed.
demo: $(READY)
	$(BIN)/bulkexo run jobs/department.yaml --sandbox --sandbox-options "--speed 10 --allowance 40/s --faults 50" \
		|| test $$? -eq 1

# Types are looked at beside the tests, many of which wait.
test: $(READY) style
	sh tools/browser.sh
	$(MAKE) --jobs 2 types suite

suite: $(READY)
	MAKEFLAGS= $(BIN)/pytest -n 4 --dist loadfile

# Needs nginx; 25 minutes on a machine with nothing else to do. benchmarks/bench.py --write README.md puts the table there.
bench: $(READY)
	$(BIN)/python benchmarks/bench.py

lint: style types

style: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(READY)
	$(BIN)/mypy

docs: $(READY)
	$(BIN)/sphinx-build -b html -W --keep-going -q docs build/docs
	@echo "Open build/docs/index.html"

$(READY): requirements.lock pyproject.toml tools/setup.sh
	PYTHON="$(PYTHON)" sh tools/setup.sh $(VENV)
	touch $@

# Needs uv. The lock names no host, so that it serves behind any mirror.
lock:
	uv pip compile pyproject.toml --all-extras --group dev --universal --python-version 3.11 \
		--generate-hashes --no-header --no-annotate --upgrade --output-file requirements.lock

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
